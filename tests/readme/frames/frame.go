// frame FUSEBOX_ADDRESS UPSTREAM_URL DEADLINE_MS
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	pb "github.com/fusebox/fusebox/client/go/fuseboxv1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func checkout(ctx context.Context, conn *grpc.ClientConn, upstreamURL string,
	deadline time.Duration) {
	// README.md has the rest.
}

func main() {
	plain := grpc.WithTransportCredentials(insecure.NewCredentials())
	conn, err := grpc.NewClient(os.Args[1], plain)
	if err != nil {
		panic(err)
	}
	deadline, err := time.ParseDuration(os.Args[3] + "ms")
	if err != nil {
		panic(err)
	}
	// A request's context ends with the request.
	ctx, cancel := context.WithCancel(context.Background())
	checkout(ctx, conn, os.Args[2], deadline)
	cancel()
	fmt.Println("done")
	_, _ = io.Copy(io.Discard, os.Stdin)
}
