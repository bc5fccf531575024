// A worker of the demo in Go: calls the upstream at a steady rate and asks Fusebox first.
//
//	worker --name=go-1 --url=http://127.0.0.1:8080/orders \
//	    --fusebox=127.0.0.1:7400 --breaker=shop/checkout --rate=25
//
// The line protocol that every worker speaks is in ../README.md.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const maxAttempts = 2

// totals is what this worker did so far, as it reports it.
type totals struct {
	Event     string `json:"event"`
	Worker    string `json:"worker"`
	OK        int    `json:"ok"`
	Failed    int    `json:"failed"`
	Retries   int    `json:"retries"`
	Refused   int    `json:"refused"`
	RPCErrors int    `json:"rpc_errors"`
}

func (t *totals) say(event string) {
	t.Event = event
	line, err := json.Marshal(t)
	if err != nil {
		panic(err) // Numbers and two strings always marshal.
	}
	fmt.Println(string(line))
}

// worker makes the calls, one at a time.
type worker struct {
	gate     *gate
	upstream *upstream
	totals   *totals
}

// order makes a call and, if it fails, its retry.
func (w *worker) order() {
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		if !w.attempt(attempt) {
			return
		}
	}
}

// attempt says whether another attempt is worth it.
func (w *worker) attempt(attempt int) bool {
	answer, refused := w.gate.allow(attempt)
	if refused {
		w.totals.Refused++
		return false
	}
	begin := time.Now()
	status := w.upstream.get(attempt, w.gate.breaker, answer)
	w.gate.record(answer.GetPermit(), status, time.Since(begin))
	if attempt > 1 {
		w.totals.Retries++
	}
	if status == 0 || status >= 500 {
		w.totals.Failed++
		return true
	}
	w.totals.OK++
	return false
}

// work orders at a steady rate until stop; a slow call delays the next and skips none.
func (w *worker) work(rate float64, stop <-chan struct{}) {
	period := time.Duration(float64(time.Second) / rate)
	due := time.Now()
	report := due
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Until(due)):
		}
		w.order()
		now := time.Now()
		if due = due.Add(period); due.Before(now) {
			due = now
		}
		if !now.Before(report) {
			w.totals.say("count")
			report = now.Add(time.Second)
		}
	}
}

func main() {
	name := flag.String("name", "", "this worker's name")
	url := flag.String("url", "", "what to call")
	fusebox := flag.String("fusebox", "", "HOST:PORT; empty: ask nobody")
	breaker := flag.String("breaker", "", "whom to ask")
	rate := flag.Float64("rate", 25, "orders a second")
	flag.Parse()
	if *name == "" || *url == "" || *rate <= 0 {
		fmt.Fprintf(os.Stderr, "worker: --name is %q, --url is %q, --rate is %g; set all three\n",
			*name, *url, *rate)
		os.Exit(2)
	}

	t := &totals{Worker: *name}
	w := &worker{
		gate:     newGate(*fusebox, *breaker, *name, t),
		upstream: newUpstream(*url, *name),
		totals:   t,
	}
	t.say("ready")
	stdin := bufio.NewReader(os.Stdin)
	if line, _ := stdin.ReadString('\n'); strings.TrimSpace(line) == "start" {
		stop := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, stdin)
			close(stop)
		}()
		w.work(*rate, stop)
	}
	t.say("done")
}
