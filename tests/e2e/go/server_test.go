// Package e2e drives a real server through the generated Go client.
//
// FUSEBOX_SERVER_BINARY names the server; build/stubs/go holds the client.
package e2e

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	fusebox "github.com/fusebox/fusebox/client/go/fuseboxv1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Far above what anything here takes: it ends a hang, it measures nothing.
const patience = 30 * time.Second

const config = `
policies:
- name: default
  circuit_breaker:
    consecutive_failures: 3
    open_duration: 200ms
    max_probes: 2
    success_threshold: 2
- name: patient
  match: [patient/*]
  circuit_breaker: {consecutive_failures: 3, open_duration: 1m}
- name: no-reserve
  match: [retries/*]
  retry_budget: {retry_ratio: 0.5, min_retries_per_second: 0, window: 1m}
`

var greeting = regexp.MustCompile(`event=serving grpc=(\S+) http=`)

// client is one connection to one server, and a context that ends with patience.
type client struct {
	fusebox.BreakerServiceClient
	fusebox.AdminServiceClient
	ctx context.Context
}

// startServer starts a server of this test's own, and returns its address.
func startServer(t *testing.T, flags ...string) string {
	t.Helper()
	binary := os.Getenv("FUSEBOX_SERVER_BINARY")
	if binary == "" {
		t.Fatal("FUSEBOX_SERVER_BINARY is not set; set it to the path of the built server")
	}
	file := filepath.Join(t.TempDir(), "fusebox.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	flags = append(flags, "--config="+file, "--listen=127.0.0.1:0", "--http-listen=",
		"--lame-duck=0s", "--data-dir="+filepath.Join(t.TempDir(), "data"))
	server := exec.Command(binary, flags...)
	log, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	impatience := time.AfterFunc(patience, func() { _ = server.Process.Kill() })
	defer impatience.Stop()
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if match := greeting.FindStringSubmatch(lines.Text()); match != nil {
			t.Cleanup(func() { stopServer(t, server, lines) })
			return match[1]
		}
	}
	t.Fatalf("no greeting: %v", server.Wait())
	return ""
}

func stopServer(t *testing.T, server *exec.Cmd, log *bufio.Scanner) {
	impatience := time.AfterFunc(patience, func() { _ = server.Process.Kill() })
	defer impatience.Stop()
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	for log.Scan() {
		// Read to the end: a full pipe would hold the server up.
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// connect returns a client with a connection of its own.
func connect(t *testing.T, address string) client {
	t.Helper()
	connection, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(func() {
		cancel()
		_ = connection.Close()
	})
	return client{
		fusebox.NewBreakerServiceClient(connection),
		fusebox.NewAdminServiceClient(connection),
		ctx,
	}
}

func (c client) allow(t *testing.T, breaker string, attempt uint32) *fusebox.AllowResponse {
	t.Helper()
	answer, err := c.Allow(c.ctx, &fusebox.AllowRequest{Breaker: breaker, Attempt: attempt})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func (c client) record(t *testing.T, breaker string, permit []byte,
	outcome fusebox.Outcome) *fusebox.RecordResponse {
	t.Helper()
	answer, err := c.Record(c.ctx, &fusebox.RecordRequest{
		Breaker: breaker,
		Permit:  permit,
		Result:  &fusebox.RecordRequest_Outcome{Outcome: outcome},
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// call makes a call that must be allowed and ends so.
func (c client) call(t *testing.T, breaker string,
	outcome fusebox.Outcome) *fusebox.RecordResponse {
	t.Helper()
	answer := c.allow(t, breaker, 1)
	if answer.Decision != fusebox.Decision_DECISION_ALLOWED {
		t.Fatalf("refused: %v", answer)
	}
	return c.record(t, breaker, answer.Permit, outcome)
}

// trip makes as many calls fail as open the breaker.
func (c client) trip(t *testing.T, breaker string) *fusebox.RecordResponse {
	t.Helper()
	var last *fusebox.RecordResponse
	for i := 0; i < 3; i++ {
		last = c.call(t, breaker, fusebox.Outcome_OUTCOME_FAILURE)
	}
	if last.State != fusebox.State_STATE_OPEN {
		t.Fatalf("after three failures: %v", last)
	}
	return last
}
