import {
  listInbox,
  listOutbox,
  listSubscriptions,
  outboxBacklog,
  subscriptionBalances,
  type InboxEntry,
  type SubscriptionBalance,
  type SubscriptionRow,
} from '../../store/reads/federation.ts';
import { listQuarantine, type QuarantinedMessage } from '../../store/reads/quarantine.ts';
import type { OutboxTable } from '../../store/tables.ts';
import { isAtLeast } from '../auth/principal.ts';
import { pageRoute } from '../route.ts';
import { instant } from './format.ts';
import { html, type Html } from './html.ts';
import { layout, table } from './layout.ts';
import { stateChip } from './state-chip.ts';

const NEWEST = 20;
const REFRESH_SECONDS = 10;

/** What comes in from other environments and what goes out to them, and the balance that says nothing was lost. */
export const showEvents = pageRoute({
  operationId: 'page_events',
  method: 'GET',
  url: '/events',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'subscription', action: 'read' },
  async handler(_input, { database, environmentName }, { principal }) {
    // What a message carries may be somebody's data; operators see it, others see that it came.
    const maySeeBodies = isAtLeast(principal, 'op');
    const [subscriptions, balances, inbox, quarantine, outbox, backlog] = await Promise.all([
      listSubscriptions(database),
      subscriptionBalances(database),
      listInbox(database, { limit: NEWEST }),
      maySeeBodies ? listQuarantine(database, { limit: NEWEST }) : [],
      listOutbox(database, { limit: NEWEST }),
      outboxBacklog(database),
    ]);
    const content = html`<h1>Events</h1>
      ${table(
        'Subscriptions',
        ['Subscription', 'State', 'Last message', 'Balance'],
        subscriptions.map((subscription) =>
          subscriptionRow(
            subscription,
            balances.find(({ name }) => name === subscription.name),
          ),
        ),
      )}
      ${maySeeBodies && table('Quarantine', ['Received', 'Subscription', 'Reason', 'Message'], quarantine.map(quarantineRow))}
      ${table('Inbox, newest first', ['Received', 'Subscription', 'Status', 'Event', 'Source', 'Duplicates'], inbox.map(inboxRow))}
      <p>
        ${backlog.pending} ${backlog.pending === 1 ? 'event waits' : 'events wait'} to be
        sent${backlog.failing > 0 && html`; <b class="failure">${backlog.failing} of them failed at the last attempt</b>`}.
      </p>
      ${table('Outbox, newest first', ['Emitted', 'Asset', 'State', 'Attempts', 'Event'], outbox.map(outboxRow))}`;
    return {
      kind: 'html',
      status: 200,
      body: layout({ title: 'Events', environmentName, principal, refreshSeconds: REFRESH_SECONDS, content }),
    };
  },
});

function subscriptionRow(subscription: SubscriptionRow, balance: SubscriptionBalance | undefined): Html {
  return html`<tr>
    <th scope="row">${subscription.name}<br /><small>${subscription.transport}: ${subscription.source}</small></th>
    <td>${stateChip(subscription.state)}${subscription.reason !== null && html`<br /><small>${subscription.reason}</small>`}</td>
    <td>${instant(subscription.lastMessageAt)}</td>
    <td>${balance !== undefined && balanceSum(balance)}</td>
  </tr>`;
}

/** The promise in one line: every message that was received is somewhere. */
function balanceSum({ received, ran, batched, pending, unmatched, quarantined, deduplicated, refused }: SubscriptionBalance): Html {
  const addsUp = received === ran + batched + pending + unmatched + quarantined + deduplicated;
  return html`<span class="balance"
      >${received} received = ${ran} ran + ${batched} batched + ${pending} pending + ${unmatched} unmatched + ${quarantined} quarantined +
      ${deduplicated} deduplicated</span
    >
    ${!addsUp && html`<b class="failure">does not add up</b>`}${refused > 0 && html`<br /><small>${refused} runs refused: their data did not fit</small>`}`;
}

function quarantineRow(message: QuarantinedMessage): Html {
  return html`<tr>
    <td>${instant(message.receivedAt)}</td>
    <td>${message.subscription}</td>
    <td>${message.reason ?? ''}</td>
    <td>
      <details>
        <summary><code>${message.messageId}</code></summary>
        <pre>${message.body}</pre>
        <pre>${message.attributes}</pre>
      </details>
    </td>
  </tr>`;
}

function inboxRow(entry: InboxEntry): Html {
  return html`<tr>
    <td>${instant(entry.receivedAt)}</td>
    <td>${entry.subscription}</td>
    <td>
      <span class="state inbox-${entry.status}">${entry.status}</span>${entry.reason !== null && html`<br /><small>${entry.reason}</small>`}
    </td>
    <td>
      ${entry.eventType ?? ''}<br /><small><code>${entry.eventId ?? entry.messageId}</code></small>
    </td>
    <td>${entry.eventSource ?? ''}</td>
    <td>${entry.duplicates}</td>
  </tr>`;
}

function outboxRow(event: OutboxTable): Html {
  return html`<tr>
    <td>${instant(event.createdAt)}</td>
    <td>${event.assetName}</td>
    <td>${event.state}${event.lastError !== null && html`<br /><small class="failure">${event.lastError}</small>`}</td>
    <td>${event.attempts}</td>
    <td><code>${event.id.slice(0, 12)}</code></td>
  </tr>`;
}
