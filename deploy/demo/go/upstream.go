package main

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/fusebox/fusebox/client/go/fuseboxv1"
)

const callTimeout = 10 * time.Second

// upstream is what the worker is there to call.
type upstream struct {
	url    string
	worker string
	client http.Client
}

func newUpstream(url, worker string) *upstream {
	return &upstream{url: url, worker: worker, client: http.Client{Timeout: callTimeout}}
}

// get returns the HTTP status; 0 without an answer.
func (u *upstream) get(attempt int, breaker string, answer *fuseboxv1.AllowResponse) int {
	request, err := http.NewRequest(http.MethodGet, u.url, nil)
	if err != nil {
		return 0
	}
	probe := "0"
	if answer.GetProbe() {
		probe = "1"
	}
	request.Header.Set("X-Worker", u.worker)
	request.Header.Set("X-Attempt", strconv.Itoa(attempt))
	request.Header.Set("X-Breaker", breaker)
	request.Header.Set("X-Epoch", strconv.FormatUint(answer.GetEpoch(), 10))
	request.Header.Set("X-Probe", probe)
	response, err := u.client.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	// A body that was read to its end lets the connection be used again.
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return 0
	}
	return response.StatusCode
}
