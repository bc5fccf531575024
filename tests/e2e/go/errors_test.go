package e2e

import (
	"strings"
	"testing"

	fusebox "github.com/fusebox/fusebox/client/go/fuseboxv1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// checkReason checks the ErrorInfo of an error.
func checkReason(t *testing.T, err error, reason string) {
	t.Helper()
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			if info.Reason != reason || info.Domain != "fusebox" {
				t.Errorf("got %v, want %s of fusebox", info, reason)
			}
			return
		}
	}
	t.Errorf("%v carries no ErrorInfo, want %s", err, reason)
}

func TestABadRequestNamesItsField(t *testing.T) {
	c := connect(t, startServer(t))
	_, err := c.Allow(c.ctx, &fusebox.AllowRequest{Breaker: "a//b"})
	if status.Code(err) != codes.InvalidArgument {
		t.Fatalf("got %v", err)
	}
	checkReason(t, err, "BREAKER_NAME_INVALID")
	for _, detail := range status.Convert(err).Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			violation := bad.FieldViolations[0]
			if violation.Field != "breaker" || !strings.Contains(violation.Description, `"a//b"`) {
				t.Errorf("got %v", violation)
			}
			return
		}
	}
	t.Error("there is no BadRequest")
}

func TestAFullServerSaysWhenToTryAgainAndWhichFlagToRaise(t *testing.T) {
	c := connect(t, startServer(t, "--max-breakers=1"))
	c.allow(t, "first", 1)
	_, err := c.Allow(c.ctx, &fusebox.AllowRequest{Breaker: "second"})
	if status.Code(err) != codes.ResourceExhausted {
		t.Fatalf("got %v", err)
	}
	checkReason(t, err, "TOO_MANY_BREAKERS")
	if !strings.Contains(status.Convert(err).Message(), "--max-breakers") {
		t.Errorf("%v does not name the flag", err)
	}
	for _, detail := range status.Convert(err).Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			if retry.RetryDelay.AsDuration() <= 0 {
				t.Errorf("got %v", retry)
			}
			return
		}
	}
	t.Error("there is no RetryInfo")
}

func TestABreakerThatIsNotThereIsNotFound(t *testing.T) {
	c := connect(t, startServer(t))
	_, err := c.GetBreaker(c.ctx, &fusebox.GetBreakerRequest{Name: "nobody/knows"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("got %v", err)
	}
	checkReason(t, err, "BREAKER_NOT_FOUND")
}
