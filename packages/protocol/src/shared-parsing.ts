import type { ParseReply, ParseRequest } from './execution.ts';

/** A child that reads several dag files of one bundle version, one after the other: what it is asked for each of them. */
export interface SharedParseRequest extends ParseRequest {
  readonly isShared: true;
}

/** What it answers for each of them. */
export interface SharedParseReply {
  readonly type: 'shared';
  /**
   * What the file defines, where a process of its own would have answered the same, without a warning; undefined where only a process of its own can tell
   * (adr/0028).
   */
  readonly parsed?: Pick<Extract<ParseReply, { type: 'parsed' }>, 'dags' | 'files'>;
  /** Whether the process holds something of the file that another one could notice, so that it is given no further file. */
  readonly isSpent: boolean;
}
