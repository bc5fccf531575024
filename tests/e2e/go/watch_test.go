package e2e

import (
	"testing"

	fusebox "github.com/fusebox/fusebox/client/go/fuseboxv1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// next reads one event of a watch.
func next(t *testing.T,
	stream fusebox.AdminService_WatchBreakersClient) *fusebox.WatchBreakersResponse {
	t.Helper()
	event, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func TestAWatchSendsWhatThereIsThenAMarkThenWhatChanges(t *testing.T) {
	c := connect(t, startServer(t))
	c.call(t, "db/orders", fusebox.Outcome_OUTCOME_SUCCESS)
	c.call(t, "cache/users", fusebox.Outcome_OUTCOME_SUCCESS)
	stream, err := c.WatchBreakers(c.ctx, &fusebox.WatchBreakersRequest{Match: "db/*"})
	if err != nil {
		t.Fatal(err)
	}
	if first := next(t, stream).GetBreaker(); first.GetName() != "db/orders" {
		t.Errorf("the snapshot begins with %v", first)
	}
	if mark := next(t, stream); mark.GetSynced() == nil {
		t.Errorf("the snapshot ends with %v", mark)
	}
	c.trip(t, "cache/users")
	c.trip(t, "db/orders")
	// Half-open comes by itself. A slow reader may miss that it was open before.
	breaker := &fusebox.Breaker{}
	for breaker.State != fusebox.State_STATE_HALF_OPEN {
		last := breaker.Epoch
		breaker = next(t, stream).GetBreaker()
		if breaker.GetName() != "db/orders" || breaker.GetEpoch() <= last {
			t.Fatalf("got %v after epoch %d, want db/orders and a later epoch", breaker, last)
		}
	}
}

func TestAWatchOfABadGlobEndsWithTheReason(t *testing.T) {
	c := connect(t, startServer(t))
	stream, err := c.WatchBreakers(c.ctx, &fusebox.WatchBreakersRequest{Match: "a/**b"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("it ends with %v", err)
	}
	checkReason(t, err, "GLOB_INVALID")
}
