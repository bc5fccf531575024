package e2e

import (
	"testing"
	"time"

	fusebox "github.com/fusebox/fusebox/client/go/fuseboxv1"
)

func TestFailuresOpenABreakerAndCallsAreRefused(t *testing.T) {
	address := startServer(t)
	c := connect(t, address)
	opened := c.trip(t, "patient/orders")
	refused := connect(t, address).allow(t, "patient/orders", 1)
	if refused.Decision != fusebox.Decision_DECISION_DENIED ||
		refused.Reason != fusebox.Reason_REASON_OPEN || len(refused.Permit) != 0 {
		t.Errorf("another client is answered %v", refused)
	}
	if refused.Epoch != opened.Epoch {
		t.Errorf("refused in epoch %d, opened in %d", refused.Epoch, opened.Epoch)
	}
	wait := refused.RetryAfter.AsDuration()
	if wait <= 0 || wait > time.Minute {
		t.Errorf("retry_after is %v", wait)
	}
}

func TestProbesThatSucceedCloseABreaker(t *testing.T) {
	c := connect(t, startServer(t))
	c.trip(t, "db/orders")
	var probe *fusebox.AllowResponse
	for probe == nil {
		if answer := c.allow(t, "db/orders", 1); answer.Probe {
			probe = answer
		} else if answer.Reason != fusebox.Reason_REASON_OPEN {
			t.Fatalf("neither refused nor a probe: %v", answer)
		}
	}
	half := c.record(t, "db/orders", probe.Permit, fusebox.Outcome_OUTCOME_SUCCESS)
	closed := c.call(t, "db/orders", fusebox.Outcome_OUTCOME_SUCCESS)
	if half.State != fusebox.State_STATE_HALF_OPEN || closed.State != fusebox.State_STATE_CLOSED {
		t.Errorf("after the probes: %v, %v", half, closed)
	}
}

func TestARecordThatIsSentAgainCountsOnce(t *testing.T) {
	c := connect(t, startServer(t))
	permit := c.allow(t, "db/orders", 1).Permit
	for _, want := range []fusebox.Counted{
		fusebox.Counted_COUNTED_COUNTED, fusebox.Counted_COUNTED_REPEATED,
	} {
		got := c.record(t, "db/orders", permit, fusebox.Outcome_OUTCOME_FAILURE).Counted
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestRetriesAreRefusedWhenTheBudgetIsSpent(t *testing.T) {
	c := connect(t, startServer(t))
	for i := 0; i < 2; i++ {
		c.call(t, "retries/a", fusebox.Outcome_OUTCOME_SUCCESS)
	}
	if answer := c.allow(t, "retries/a", 2); answer.Decision != fusebox.Decision_DECISION_ALLOWED {
		t.Errorf("the retry that was earned: %v", answer)
	}
	if answer := c.allow(t, "retries/a", 2); answer.Reason != fusebox.Reason_REASON_RETRY_BUDGET {
		t.Errorf("the retry that was not: %v", answer)
	}
}
