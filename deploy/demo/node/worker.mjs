// A worker of the demo in Node: calls the upstream at a steady rate and asks Fusebox first.
//
//   node worker.mjs --name=node-1 --url=http://127.0.0.1:8080/orders \
//       --fusebox=127.0.0.1:7400 --breaker=shop/checkout --rate=25
//
// The line protocol that every worker speaks is in ../README.md. Runs in a folder with the packages
// in node_modules and the stubs in stubs: ../run sets it up.
import http from 'node:http';
import readline from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';

import { Decision, Outcome } from './stubs/fusebox/v1/breaker_pb.js';
import { BreakerService } from './stubs/fusebox/v1/breaker_service_pb.js';

// Generous: on a busy machine a late answer is still one. A dead Fusebox is noticed at once.
const RPC_MS = 5000;
const CALL_MS = 10000;
const READY_MS = 2000;
const MAX_ATTEMPTS = 2;
const NANOS_PER_SECOND = 1_000_000_000n;

// An answer that is no refusal: what there is when nobody was asked or nobody answered.
const NO_ANSWER = {
  decision: Decision.UNSPECIFIED,
  permit: new Uint8Array(),
  epoch: 0n,
  probe: false,
};

// Asks and tells Fusebox about one breaker. Whatever goes wrong with that, calls go ahead.
class Gate {
  constructor(address, breaker, client, totals) {
    this.breaker = address ? breaker : '';
    this.client = client;
    this.totals = totals;
    if (!address) return;
    const baseUrl = `http://${address}`;
    this.session = new Http2SessionManager(baseUrl);
    this.stub = createClient(
      BreakerService,
      createGrpcTransport({ baseUrl, sessionManager: this.session }),
    );
  }

  // Connects to Fusebox. Should that fail, the worker starts without it.
  async ready() {
    if (this.stub) await Promise.race([this.session.connect(), delay(READY_MS)]);
  }

  async allow(attempt) {
    if (!this.stub) return NO_ANSWER;
    const request = { breaker: this.breaker, attempt, client: this.client };
    try {
      return await this.stub.allow(request, { timeoutMs: RPC_MS });
    } catch {
      this.totals.rpc_errors += 1;
      return NO_ANSWER;
    }
  }

  // Tells how the call ended; status 0: without an answer.
  async record(permit, status, nanoseconds) {
    if (!this.stub || permit.length === 0) return;
    const result = status
      ? { case: 'httpStatus', value: status }
      : { case: 'outcome', value: Outcome.FAILURE };
    const latency = {
      seconds: nanoseconds / NANOS_PER_SECOND,
      nanos: Number(nanoseconds % NANOS_PER_SECOND),
    };
    const request = { breaker: this.breaker, permit, result, latency, client: this.client };
    try {
      await this.stub.record(request, { timeoutMs: RPC_MS });
    } catch {
      this.totals.rpc_errors += 1;
    }
  }

  close() {
    this.session?.abort();
  }
}

// Makes the calls, one at a time.
class Worker {
  constructor(name, url, gate, totals) {
    this.name = name;
    this.url = url;
    this.gate = gate;
    this.totals = totals;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  }

  // One order: a call and, if it fails, its retry.
  async order() {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      if (!(await this.attempt(attempt))) return;
    }
  }

  // Whether another attempt is worth it.
  async attempt(attempt) {
    const answer = await this.gate.allow(attempt);
    if (answer.decision === Decision.DENIED) {
      this.totals.refused += 1;
      return false;
    }
    const begin = process.hrtime.bigint();
    const status = await this.get(attempt, answer);
    await this.gate.record(answer.permit, status, process.hrtime.bigint() - begin);
    const failed = status === 0 || status >= 500;
    this.totals[failed ? 'failed' : 'ok'] += 1;
    if (attempt > 1) this.totals.retries += 1;
    return failed;
  }

  // The HTTP status; 0 without an answer.
  get(attempt, answer) {
    const headers = {
      'X-Worker': this.name,
      'X-Attempt': String(attempt),
      'X-Breaker': this.gate.breaker,
      'X-Epoch': String(answer.epoch),
      'X-Probe': answer.probe ? '1' : '0',
    };
    return new Promise((resolve) => {
      const request = http.get(this.url, { agent: this.agent, headers, timeout: CALL_MS });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(0));
      request.on('response', (response) => {
        response.on('error', () => resolve(0));
        response.on('end', () => resolve(response.statusCode));
        response.resume();
      });
    });
  }

  close() {
    this.agent.destroy();
  }
}

function say(event, name, totals) {
  console.log(JSON.stringify({ event, worker: name, ...totals }));
}

// Orders at a steady rate until aborted; a slow call delays the next and skips none.
async function work(worker, name, rate, totals, stopped) {
  let due = performance.now();
  let report = due;
  while (!stopped.aborted) {
    await worker.order();
    const now = performance.now();
    due = Math.max(due + 1000 / rate, now);
    if (now >= report) {
      say('count', name, totals);
      report = now + 1000;
    }
    await delay(due - now, undefined, { signal: stopped }).catch(() => {});
  }
}

async function main() {
  const { values: flags } = parseArgs({
    options: {
      name: { type: 'string' },
      url: { type: 'string' },
      fusebox: { type: 'string', default: '' },
      breaker: { type: 'string', default: '' },
      rate: { type: 'string', default: '25' },
    },
  });
  const totals = { ok: 0, failed: 0, retries: 0, refused: 0, rpc_errors: 0 };
  const gate = new Gate(flags.fusebox, flags.breaker, flags.name, totals);
  const worker = new Worker(flags.name, flags.url, gate, totals);
  await gate.ready();
  const stop = new AbortController();
  const stdin = readline.createInterface({ input: process.stdin });
  const first = new Promise((resolve) => {
    stdin.once('line', resolve);
    stdin.once('close', () => resolve(''));
  });
  stdin.once('close', () => stop.abort());
  say('ready', flags.name, totals);
  if ((await first) === 'start') {
    await work(worker, flags.name, Number(flags.rate), totals, stop.signal);
  }
  say('done', flags.name, totals);
  worker.close();
  gate.close();
}

await main();
