/**
 * Customer profiles: one for each customer of the customer master, rebuilt whenever it changes. What starts this dag is a message on the
 * queue `profiles-customer_master`; who sent it, and how often, is of no concern here.
 */
import { sqs } from '@tradewind/provider-aws';
import { asset, dag } from '@tradewind/sdk';

const customerMaster = asset('customer_master', { watchers: [sqs('profiles-customer_master')] });

export const customerProfileDag = dag(
  'customer_profile',
  {
    description: 'Builds a profile for each customer of the customer master',
    schedule: customerMaster,
    owner: 'profiles',
    tags: ['profiles'],
    // What this dag uses of the event: fields of its data become params of the same name. Whatever else it carries may change freely.
    params: {
      total: { type: 'integer', minimum: 0, description: 'How many customers the master says there are' },
      customers: {
        type: 'array',
        description: 'The customers themselves',
        items: {
          type: 'object',
          properties: {
            id: { type: 'string' },
            name: { type: 'string' },
            email: { type: 'string', format: 'email' },
            country: { type: 'string' },
            customerSince: { type: 'string' },
          },
          required: ['id', 'name', 'email', 'country'],
        },
      },
    },
  },
  (d) => {
    const profiles = d.task('build_profiles', {
      retries: 2,
      retryDelay: { seconds: 10 },
      run: (_, { params, fail }) => {
        const { customers, total } = params;
        if (customers.length !== total) return fail(`the event says ${total} customers and brings ${customers.length}`);
        return customers.map((customer) => ({
          customerId: customer.id,
          greeting: `Dear ${customer.name}`,
          mailProvider: customer.email.split('@').at(-1) ?? '',
          country: customer.country,
          since: customer.customerSince ?? null,
        }));
      },
    });

    d.task('summarize', {
      inputs: { profiles },
      run: ({ profiles }, { log }) => {
        const countries = new Set(profiles.map(({ country }) => country)).size;
        log.info('profiles built', { profiles: profiles.length, countries });
        return { profiles: profiles.length, countries };
      },
    });
  },
);
