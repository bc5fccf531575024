import static java.util.concurrent.TimeUnit.MILLISECONDS;

import dev.fusebox.v1.AllowRequest;
import dev.fusebox.v1.AllowResponse;
import dev.fusebox.v1.BreakerServiceGrpc;
import dev.fusebox.v1.Decision;
import dev.fusebox.v1.Outcome;
import dev.fusebox.v1.RecordRequest;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** java Frame FUSEBOX_ADDRESS UPSTREAM_URL DEADLINE_MS */
final class Frame {
  private static void checkout(
      HttpClient http, String fuseboxAddress, String upstreamUrl, long deadlineMs)
      throws InterruptedException {
    // README.md has the rest.
  }

  public static void main(String[] args) throws InterruptedException, IOException {
    checkout(HttpClient.newHttpClient(), args[0], args[1], Long.parseLong(args[2]));
    System.out.println("done");
    System.in.readAllBytes();
  }
}
