// node frame.mjs FUSEBOX_ADDRESS UPSTREAM_URL DEADLINE_MS
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';

import { Decision, Outcome } from '@fusebox/stubs/fusebox/v1/breaker_pb.js';
import { BreakerService } from '@fusebox/stubs/fusebox/v1/breaker_service_pb.js';

async function checkout(fuseboxAddress, upstreamUrl, deadlineMs) {
  // README.md has the rest.
}

await checkout(process.argv[2], process.argv[3], Number(process.argv[4]));
console.log('done');
// Node ends by itself once nothing is left to wait for.
process.stdin.resume();
