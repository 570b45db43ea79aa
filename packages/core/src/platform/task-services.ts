import type { Attempt, TaskRequest, TaskResponse } from '@tradewind/protocol';

/**
 * What an environment does for the code of a try while it runs. Executors hand every request of their children to it; `cli` composes it of the parts that
 * know the answers.
 */
export interface TaskServices {
  /**
   * Answers a request of an attempt. What the attempt may not have, what does not exist and what failed are answers, too; where it rejects all the same,
   * the task hears that the environment is not able to answer.
   */
  answer(attempt: Attempt, request: TaskRequest): Promise<TaskResponse>;
}

/** Refuses everything: for executors that nobody gave services to. */
export const noTaskServices: TaskServices = {
  answer: (_attempt, { kind }) =>
    Promise.resolve({
      ok: false,
      code: 'unavailable',
      message: `this environment does not answer requests of kind ${kind}; run the task in an environment that does`,
    }),
};
