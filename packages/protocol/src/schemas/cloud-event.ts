import { z } from 'zod';
import type { CloudEvent } from '../cloud-event.ts';

/**
 * What a message's body must be to count as a CloudEvent. Unknown attributes are kept out of the result and do no harm: the
 * raw body is stored beside it. Limits guard the columns they are stored in.
 */
export const cloudEventSchema: z.ZodType<CloudEvent> = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(512),
  source: z.string().min(1).max(1_024),
  type: z.string().min(1).max(512),
  subject: z.string().max(1_024).exactOptional(),
  time: z.iso.datetime({ offset: true }).exactOptional(),
  datacontenttype: z.string().max(256).exactOptional(),
  data: z.json().exactOptional(),
  traceparent: z.string().max(256).exactOptional(),
  correlationid: z.string().max(512).exactOptional(),
  causationid: z.string().max(512).exactOptional(),
});
