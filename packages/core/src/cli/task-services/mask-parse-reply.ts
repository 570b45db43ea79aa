import type { ParseReply } from '@tradewind/protocol';
import type { Masker } from '../../model/masking/masker.ts';

/** What became of a dag file, without secrets in what people are shown of it: the lines around an error are the author's. */
export function maskParseReply(reply: ParseReply, masker: Masker): ParseReply {
  if (reply.type === 'failed') return { ...reply, error: masker.maskValue(reply.error) as typeof reply.error };
  return { ...reply, warnings: reply.warnings.map((warning) => masker.mask(warning)) };
}
