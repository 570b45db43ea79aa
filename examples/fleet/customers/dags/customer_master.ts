/**
 * The customer master: reads what the branches sent in, cleans it, and tells every other environment which customers there are.
 * It knows none of them: they learn from the event `customer_master.completed` on the topic `customer_master`.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { sns } from '@tradewind/provider-aws';
import { asset, dag } from '@tradewind/sdk';

interface Customer {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly country: string;
  readonly customerSince: string;
}

interface CustomerMaster {
  readonly customers: readonly Customer[];
  readonly total: number;
  readonly duplicates: number;
  readonly invalid: number;
  readonly byCountry: Readonly<Record<string, number>>;
}

const customerMaster = asset<CustomerMaster>('customer_master', { publish: sns('customer_master') });

export const customerMasterDag = dag(
  'customer_master',
  {
    description: 'Cleans the list of customers and publishes it',
    owner: 'customers',
    tags: ['master data'],
    taskDefaults: { retries: 2, retryDelay: { seconds: 10 } },
  },
  (d) => {
    const rows = d.task('extract', {
      run: async () => parseCsv(await readFile(path.join(import.meta.dirname, '../data/customers.csv'), 'utf8')),
    });

    const cleaned = d.task('clean', {
      inputs: { rows },
      run: ({ rows }, { log }) => {
        const result = clean(rows);
        log.info('cleaned', { read: rows.length, kept: result.customers.length, duplicates: result.duplicates, invalid: result.invalid });
        return result;
      },
    });

    const byCountry = d.task('count', { inputs: { cleaned }, run: ({ cleaned }) => countByCountry(cleaned.customers) });

    d.task('publish', {
      inputs: { cleaned, byCountry },
      outlets: [customerMaster],
      run: ({ cleaned, byCountry }, context) => {
        context.emit(customerMaster, { ...cleaned, total: cleaned.customers.length, byCountry });
      },
    });
  },
);

/** The lines of a CSV file without quotes, each as text by the name of its column. */
function parseCsv(text: string): Record<string, string>[] {
  const [head = [], ...lines] = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((field) => field.trim()));
  return lines.map((fields) => Object.fromEntries(head.map((column, index) => [column, fields[index] ?? ''])));
}

/** The first row of each id that names a person and an address; how many were left out, and why. */
function clean(rows: readonly Readonly<Record<string, string>>[]): { customers: Customer[]; duplicates: number; invalid: number } {
  const valid = rows.map(readCustomer).filter((customer) => customer !== undefined);
  const byId = new Map<string, Customer>();
  for (const customer of valid) if (!byId.has(customer.id)) byId.set(customer.id, customer);
  return { customers: [...byId.values()], duplicates: valid.length - byId.size, invalid: rows.length - valid.length };
}

function readCustomer(row: Readonly<Record<string, string>>): Customer | undefined {
  const { id = '', name = '', email = '', country = '', customer_since: customerSince = '' } = row;
  if (id === '' || name === '' || !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) return undefined;
  return {
    id: id.toUpperCase(),
    name: name.replaceAll(/\s+/g, ' '),
    email: email.toLowerCase(),
    country: country.toUpperCase(),
    customerSince,
  };
}

function countByCountry(customers: readonly Customer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { country } of customers) counts[country] = (counts[country] ?? 0) + 1;
  return counts;
}
