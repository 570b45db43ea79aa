import { z } from 'zod';
import type { ShownConfigSection } from '../../platform/describe-config.ts';
import { TradewindError } from '../../platform/errors.ts';
import { query, text } from '../query-schemas.ts';
import { streamRoute, type Caller, type Reply } from '../route.ts';

const policy = { kind: 'role', atLeast: 'op', resource: 'configuration', action: 'read' } as const;

/** The settings of the environment; those that could be secret are hidden. As JSON, or as text of the form of Airflow's configuration file. */
export const getConfig = streamRoute({
  operationId: 'get_config',
  method: 'GET',
  url: '/api/v2/config',
  policy,
  query: z.object({ section: query.text }),
  async handler({ query: { section } }, { config }, caller) {
    const sections = section === undefined ? config : config.filter(({ name }) => name === section);
    if (section !== undefined && sections.length === 0) throw new TradewindError('not_found', `Section ${section} not found.`);
    return replyWith(sections, caller);
  },
});

/** One setting. */
export const getConfigValue = streamRoute({
  operationId: 'get_config_value',
  method: 'GET',
  url: '/api/v2/config/section/{section}/option/{option}',
  policy,
  params: z.object({ section: text, option: text }),
  async handler({ params }, { config }, caller) {
    const section = config.find(({ name }) => name === params.section);
    const option = section?.options.find(({ key }) => key === params.option);
    if (option === undefined) throw new TradewindError('not_found', `Option [${params.section}/${params.option}] not found.`);
    return replyWith([{ name: params.section, options: [option] }], caller);
  },
});

function replyWith(sections: readonly ShownConfigSection[], { accept }: Caller): Reply {
  if (!accept.includes('text/plain') || accept.includes('application/json')) return { kind: 'json', status: 200, body: { sections } };
  const body = sections
    .map(({ name, options }) => `[${name}]\n${options.map(({ key, value }) => `${key} = ${value}\n`).join('')}`)
    .join('\n');
  return { kind: 'file', contentType: 'text/plain; charset=utf-8', body, headers: {} };
}
