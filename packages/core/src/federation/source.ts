/** A message as a broker delivered it. Nothing in it has been checked. */
export interface ReceivedMessage {
  /** The broker's id of the message: the same for every delivery of it. */
  readonly messageId: string;
  /** Acknowledges this one delivery. */
  readonly receipt: string;
  readonly body: string;
  /** What the sender attached; binary values in base64. */
  readonly attributes: Readonly<Record<string, string>>;
  /** What the broker attached: `SentTimestamp`, `ApproximateReceiveCount`, `MessageDeduplicationId`, … */
  readonly systemAttributes: Readonly<Record<string, string>>;
}

/** A delivery that the broker did not forget: it comes back and is recorded as a duplicate. */
export interface FailedAcknowledgement {
  readonly messageId: string;
  readonly reason: string;
}

/** The most messages that one `receive` returns (SQS's own limit). */
export const MAX_MESSAGES_PER_RECEIVE = 10;

/**
 * Where messages come from: one queue of one broker. Every source passes `transports/source.contract.ts`. Delivery is at least once: what is
 * not acknowledged comes back, and what is acknowledged may come back too.
 */
export interface EventSource {
  /**
   * Waits up to `waitSeconds` for messages and returns at most `MAX_MESSAGES_PER_RECEIVE`. Returns none where none came, or where `signal` ended
   * the wait.
   *
   * @throws TradewindError `not_found`, `forbidden`, `unauthenticated` or `bad_configuration` where only a person can help,
   * `broker_unavailable` where time may
   */
  receive(signal: AbortSignal, waitSeconds: number): Promise<readonly ReceivedMessage[]>;
  /**
   * Tells the broker to forget these deliveries. Idempotent.
   *
   * @returns those that it did not forget
   * @throws TradewindError as `receive`
   */
  acknowledge(messages: readonly ReceivedMessage[]): Promise<readonly FailedAcknowledgement[]>;
  /** Lets go of connections. Idempotent. */
  close(): void;
}
