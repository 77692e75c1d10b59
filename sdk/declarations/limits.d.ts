/** The limits of a script; `core/config/limits.ts` is the table, and a test holds this file to it. */
export interface Limits {
  /** Wall-clock time of one invocation, until its value is known. Past it: 504, and `signal` aborts. Default 10,000 ms. */
  readonly wallMs: number;
  /** Time for a script to load: its top level and `init()`. Default 5,000 ms. */
  readonly loadMs: number;
  /** The longest run of user code without yielding. Past it the isolate is killed. Default 1,000 ms. */
  readonly uninterruptedMs: number;
  /** CPU time of one invocation. Past it the isolate is killed. Default 2,000 ms. */
  readonly cpuMs: number;
  /** Memory of one isolate. Past it the isolate is killed. Default 134,217,728 bytes. */
  readonly memoryBytes: number;
  /** Invocations of one isolate at the same time. More wait or start another isolate; too many waiting: 503. Default 100. */
  readonly concurrency: number;
  /** Service calls and outgoing requests of one invocation that are under way at the same time. Default 100. */
  readonly pendingCalls: number;
  /** Timers of one isolate that are waiting at the same time. Default 1,000. */
  readonly timers: number;
  /** Outgoing requests of one invocation, redirects included. Default 50. */
  readonly subrequests: number;
  /** Body of one request. Past it: 413. Default 10,485,760 bytes. */
  readonly requestBytes: number;
  /** Body of one answer, and of one answer to an outgoing request. Default 33,554,432 bytes. */
  readonly responseBytes: number;
  /** Log lines of one invocation. Default 1,000. */
  readonly logLines: number;
  /** Bytes of log of one invocation. Default 65,536 bytes. */
  readonly logBytes: number;
  /** Streamed answers of one script that are open at the same time. Default 1,000. */
  readonly streams: number;
  /** How long a streamed answer may stay silent. Default 60,000 ms. */
  readonly streamIdleMs: number;
}
/** The limits that hold for this script; can be read while it loads. */
export declare const limits: Limits;
