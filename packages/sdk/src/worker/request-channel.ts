/**
 * What the code of a try may ask its environment, and the answers.
 *
 *   asked ── fewer than `MAX_REQUESTS_IN_FLIGHT` wait ──▸ sent ── response ──▸ settled
 *     └── else kept back ── another one is settled ──▸ sent
 *
 * A request that is not settled when its try ends never is: the process is not used again then (try-runner.ts).
 */
import { MAX_REQUESTS_IN_FLIGHT, type Attempt, type ChildMessage, type TaskRequest, type TaskResponse } from '@tradewind/protocol';
import { SdkError } from '../errors.ts';

/** Asks the environment. Rejects with an `SdkError` (`request_failed`) where the question cannot be sent. */
export type Ask = (request: TaskRequest) => Promise<TaskResponse>;

/** The requests of one try. */
export interface TryRequests {
  readonly ask: Ask;
  /**
   * Ends asking: whoever asks after this gets an error.
   * @returns how many requests have no answer
   */
  close(): number;
}

/** A question that was sent, or is kept back. */
interface PendingRequest {
  readonly attempt: Attempt;
  readonly request: TaskRequest;
  readonly resolve: (response: TaskResponse) => void;
  readonly reject: (error: unknown) => void;
}

/** The channel of one process; it serves one try after the other. */
export class RequestChannel {
  readonly #send: (message: ChildMessage) => void;
  readonly #sent = new Map<number, PendingRequest>();
  #keptBack: PendingRequest[] = [];
  #lastId = 0;

  /** @param send hands a message to the supervisor; a RangeError says that the message is too large */
  constructor(send: (message: ChildMessage) => void) {
    this.#send = send;
  }

  /** Opens the channel for a try. */
  open(attempt: Attempt): TryRequests {
    let isOpen = true;
    return {
      ask: (request) => {
        if (!isOpen) {
          return Promise.reject(
            new SdkError(
              'request_failed',
              `a ${request.kind} was asked for after the task had ended; await everything that the task starts`,
            ),
          );
        }
        return new Promise((resolve, reject) => {
          this.#keptBack.push({ attempt, request, resolve, reject });
          this.#sendNext();
        });
      },
      close: () => {
        isOpen = false;
        const count = this.#sent.size + this.#keptBack.length;
        this.#sent.clear();
        this.#keptBack = [];
        return count;
      },
    };
  }

  /** Hands an answer to whoever asked; one that comes after its try is dropped. */
  settle(requestId: number, response: TaskResponse): void {
    const pending = this.#sent.get(requestId);
    if (!this.#sent.delete(requestId)) return;
    pending?.resolve(response);
    this.#sendNext();
  }

  #sendNext(): void {
    while (this.#sent.size < MAX_REQUESTS_IN_FLIGHT) {
      const next = this.#keptBack.shift();
      if (next === undefined) return;
      this.#lastId += 1;
      this.#sent.set(this.#lastId, next);
      try {
        this.#send({ type: 'request', attempt: next.attempt, requestId: this.#lastId, request: next.request });
      } catch (error) {
        this.#sent.delete(this.#lastId);
        next.reject(
          error instanceof RangeError
            ? new SdkError('request_failed', `the request cannot be sent: ${error.message}`, { cause: error })
            : error,
        );
      }
    }
  }
}
