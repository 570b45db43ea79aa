/**
 * The requests of one try, from the child's message to the answer.
 *
 *   taken ── the environment answers, or its time is over ──▸ answered
 *     └── the try has ended ──▸ dropped
 */
import {
  encodeFrame,
  MAX_FAILURE_DETAIL_LENGTH,
  MAX_FRAME_BYTES,
  MAX_REQUESTS_IN_FLIGHT,
  type Attempt,
  type SupervisorMessage,
  type TaskRequest,
  type TaskResponse,
} from '@tradewind/protocol';
import { taskResponseSchema } from '@tradewind/protocol/schemas';
import type { Clock } from '../../platform/clock.ts';
import { messageOf } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { TaskServices } from '../../platform/task-services.ts';

/** What a desk works with. */
export interface RequestDeskParts {
  readonly attempt: Attempt;
  readonly services: TaskServices;
  readonly clock: Clock;
  readonly log: Log;
  /** Writes to the child. */
  readonly send: (frame: Uint8Array) => void;
}

/** A task that waits longer is told so: whatever answers has hung, and the task can do something else or fail. */
const ANSWER_TIMEOUT_MS = 30_000;

/** Where the requests of one try are handed in. */
export class RequestDesk {
  readonly #parts: RequestDeskParts;
  #waiting = 0;
  #isClosed = false;

  constructor(parts: RequestDeskParts) {
    this.#parts = parts;
  }

  /**
   * Takes a request, whose answer follows.
   * @returns false where the child asks more at once than its own side of the channel lets through: it speaks past it
   */
  take(requestId: number, request: TaskRequest): boolean {
    if (this.#waiting >= MAX_REQUESTS_IN_FLIGHT) return false;
    this.#waiting += 1;
    void this.#answer(request).then((response) => {
      this.#waiting -= 1;
      if (!this.#isClosed) this.#parts.send(frameOf(requestId, response));
    });
    return true;
  }

  /** The try has ended: nobody is answered any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** Never rejects. */
  #answer(request: TaskRequest): Promise<TaskResponse> {
    const { attempt, services, clock } = this.#parts;
    const answered = Promise.withResolvers<TaskResponse>();
    const timer = clock.setTimer(ANSWER_TIMEOUT_MS, () => {
      answered.resolve(unavailable(`the environment did not answer within ${ANSWER_TIMEOUT_MS / 1_000} s; look at its log, and try again`));
    });
    // Async, so that a service that throws is one that rejects.
    const asked = (async () => taskResponseSchema.parse(await services.answer(attempt, request)))();
    asked
      .catch((error: unknown) => this.#describeFault(request, error))
      .then((response) => {
        timer.cancel();
        answered.resolve(response);
      }, answered.reject);
    return answered.promise;
  }

  /** Says in the environment's log what went wrong; a task learns no more than that something did. */
  #describeFault({ kind }: TaskRequest, error: unknown): TaskResponse {
    this.#parts.log.error('a request of a task could not be answered', { ...this.#parts.attempt, kind, problem: messageOf(error) });
    return unavailable('the environment could not answer; its log says why. Try again.');
  }
}

function frameOf(requestId: number, response: TaskResponse): Uint8Array {
  const frame = encodeFrame({ type: 'response', requestId, response } satisfies SupervisorMessage);
  if (frame.length <= MAX_FRAME_BYTES) return frame;
  const message = `the answer has ${frame.length} bytes, and at most ${MAX_FRAME_BYTES} are handed to a task; ask for less at a time`;
  return encodeFrame({ type: 'response', requestId, response: { ok: false, code: 'bad_request', message } } satisfies SupervisorMessage);
}

function unavailable(message: string): TaskResponse {
  return { ok: false, code: 'unavailable', message: message.slice(0, MAX_FAILURE_DETAIL_LENGTH) };
}
