package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/fusebox/fusebox/client/go/fuseboxv1"
)

const (
	// Generous: on a busy machine a late answer is still one. A dead Fusebox is noticed at once.
	rpcTimeout   = 5 * time.Second
	readyTimeout = 2 * time.Second
)

// gate asks and tells Fusebox about one breaker. Whatever goes wrong with that, calls go ahead.
type gate struct {
	breaker string // Empty if nobody is asked.
	client  string
	stub    fuseboxv1.BreakerServiceClient // Nil if nobody is asked.
	totals  *totals
}

// newGate connects to Fusebox. Should that fail, the worker starts without it.
func newGate(address, breaker, client string, t *totals) *gate {
	if address == "" {
		return &gate{client: client, totals: t}
	}
	plain := grpc.WithTransportCredentials(insecure.NewCredentials())
	channel, err := grpc.NewClient(address, plain)
	if err != nil {
		fmt.Fprintf(os.Stderr, "worker: --fusebox is %q: %v; set HOST:PORT\n", address, err)
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	channel.Connect()
	for state := channel.GetState(); state != connectivity.Ready; state = channel.GetState() {
		if !channel.WaitForStateChange(ctx, state) {
			break
		}
	}
	stub := fuseboxv1.NewBreakerServiceClient(channel)
	return &gate{breaker: breaker, client: client, stub: stub, totals: t}
}

// allow returns the answer, nil if there is none to be had, and whether it is a refusal.
func (g *gate) allow(attempt int) (answer *fuseboxv1.AllowResponse, refused bool) {
	if g.stub == nil {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), rpcTimeout)
	defer cancel()
	answer, err := g.stub.Allow(ctx, &fuseboxv1.AllowRequest{
		Breaker: g.breaker,
		Attempt: uint32(attempt),
		Client:  g.client,
	})
	if err != nil {
		g.totals.RPCErrors++
		return nil, false
	}
	return answer, answer.GetDecision() == fuseboxv1.Decision_DECISION_DENIED
}

// record tells how a call ended; status 0: without an answer.
func (g *gate) record(permit []byte, status int, took time.Duration) {
	if g.stub == nil || len(permit) == 0 {
		return
	}
	request := &fuseboxv1.RecordRequest{
		Breaker: g.breaker,
		Permit:  permit,
		Latency: durationpb.New(took),
		Client:  g.client,
		Result:  &fuseboxv1.RecordRequest_HttpStatus{HttpStatus: int32(status)},
	}
	if status == 0 {
		failure := fuseboxv1.Outcome_OUTCOME_FAILURE
		request.Result = &fuseboxv1.RecordRequest_Outcome{Outcome: failure}
	}
	ctx, cancel := context.WithTimeout(context.Background(), rpcTimeout)
	defer cancel()
	if _, err := g.stub.Record(ctx, request); err != nil {
		g.totals.RPCErrors++
	}
}
