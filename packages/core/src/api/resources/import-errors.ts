import { z } from 'zod';
import { IMPORT_ERROR_ORDER, listImportErrors, type ImportErrorSummary } from '../../store/reads/import-errors.ts';
import { writeInstant } from '../instants.ts';
import { pageQuery, query, readOrderBy, readPage } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';

const importErrorResponse = z.object({
  import_error_id: z.int(),
  timestamp: z.string(),
  filename: z.string(),
  bundle_name: z.string(),
  stack_trace: z.string(),
});

/** Lists the dag files that could not be read, and why. */
export const getImportErrors = apiRoute({
  operationId: 'get_import_errors',
  method: 'GET',
  url: '/api/v2/importErrors',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'import error', action: 'read' },
  query: z.object({
    ...pageQuery,
    filename: query.text,
    filename_pattern: query.text,
    filename_prefix_pattern: query.text,
    bundle_name: query.text,
  }),
  response: z.object({ import_errors: z.array(importErrorResponse), total_entries: z.int() }),
  async handler({ query: given }, { database }, { principal }) {
    const filter = {
      readable: principal.readableDags,
      path: given.filename,
      bundleName: given.bundle_name,
      pathPattern: given.filename_pattern,
      pathPrefixPattern: given.filename_prefix_pattern,
    };
    const { rows, total } = await listImportErrors(
      database,
      filter,
      readPage(given),
      readOrderBy(given.order_by, IMPORT_ERROR_ORDER, 'id'),
    );
    return { import_errors: rows.map(toImportErrorResponse), total_entries: total };
  },
});

function toImportErrorResponse(error: ImportErrorSummary): z.input<typeof importErrorResponse> {
  return {
    import_error_id: error.id,
    timestamp: writeInstant(error.createdAt),
    filename: error.path,
    bundle_name: error.bundleName,
    stack_trace: stackTraceOf(error),
  };
}

/** What Airflow shows as the stack trace: the place and the cause first, then the offending lines, then the stack. */
function stackTraceOf({ path, line, columnNumber, message, excerpt, stack }: ImportErrorSummary): string {
  const place = [path, line, columnNumber].filter((part) => part !== null).join(':');
  return [`${place}: ${message}`, excerpt, stack].filter((part) => part !== null && part !== '').join('\n\n');
}
