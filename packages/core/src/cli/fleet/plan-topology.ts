import type { Topology } from '../../federation/transports/provision-topology.ts';
import type { Fleet } from './fleet-file.ts';
import type { Traffic } from './read-traffic.ts';

/** The topics and queues that a fleet needs. */
export interface FleetTopology {
  readonly topology: Topology;
  /** Queues that a dag watches and that no dag of the fleet fills. */
  readonly unfilled: readonly { readonly environment: string; readonly asset: string; readonly queue: string }[];
}

/**
 * Puts together what the dags of the environments say: a queue that is watched for an asset gets what is published of the asset of the same name. What cannot be known
 * from the names is in `subscriptions` of `fleet.json`.
 */
export function planTopology(traffic: readonly Traffic[], { subscriptions: declared }: Pick<Fleet, 'subscriptions'>): FleetTopology {
  const published = traffic.flatMap(({ publishes }) => publishes.map(({ asset, topic }) => ({ asset, topic: nameOfTopic(topic) })));
  const watched = traffic.flatMap(({ environment, watches }) =>
    watches.map(({ asset, queue }) => ({ environment, asset, queue: nameOfQueue(queue) })),
  );
  const derived = watched.flatMap(({ asset, queue }) =>
    published.filter((each) => each.asset === asset).map(({ topic }) => ({ topic, queue })),
  );
  const subscriptions = distinct([...derived, ...declared]);
  return {
    topology: {
      topics: [...new Set([...published, ...declared].map(({ topic }) => topic))],
      queues: [...new Set([...watched, ...declared].map(({ queue }) => queue))].map((name) => ({ name })),
      subscriptions,
    },
    unfilled: watched.filter(({ queue }) => subscriptions.every((each) => each.queue !== queue)),
  };
}

/** A topic may be named by its ARN, of which the name is the last part. */
function nameOfTopic(topic: string): string {
  return topic.slice(topic.lastIndexOf(':') + 1);
}

/** A queue may be named by its URL, of which the name is the last part. */
function nameOfQueue(queue: string): string {
  return queue.slice(queue.lastIndexOf('/') + 1);
}

function distinct<Item extends object>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
