import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** What a trigger in the database wrote down. `map_index` and `losses` are those of task instances; for a mapped scope `old_epoch` is its length. */
export interface Change {
  readonly kind: 'task' | 'run' | 'verdict' | 'scope' | 'no_scope' | 'dag';
  readonly id: string;
  readonly old_state: string | null;
  readonly new_state: string;
  readonly old_epoch: number;
  readonly new_epoch: number;
  readonly map_index: number;
  readonly lost: number;
}

const LOG_CHANGES = `
  create temp table change (kind text, id text, old_state text, new_state text, old_epoch integer, new_epoch integer, map_index integer, lost integer);
  create temp trigger task_created after insert on main.task_instance begin
    insert into change values ('task', new.id, null, new.state, 0, new.epoch, new.map_index, 0);
  end;
  create temp trigger task_changed after update of state, epoch, map_index on main.task_instance begin
    insert into change values ('task', new.id, old.state, new.state, old.epoch, new.epoch, new.map_index, new.losses > old.losses);
  end;
  create temp trigger run_created after insert on main.dag_run begin
    insert into change values ('run', new.id, null, new.state, 0, 0, 0, 0);
  end;
  create temp trigger run_changed after update of state on main.dag_run begin
    insert into change values ('run', new.id, old.state, new.state, 0, 0, 0, 0);
  end;
  create temp trigger verdict_changed after update of marked_state on main.dag_run when new.state = old.state begin
    insert into change values ('verdict', new.id, null, coalesce(new.marked_state, ''), 0, 0, 0, 0);
  end;
  create temp trigger scope_created after insert on main.mapped_scope begin
    insert into change values ('scope', new.dag_run_id, null, new.scope_id, new.length, 0, 0, 0);
  end;
  create temp trigger scope_deleted after delete on main.mapped_scope begin
    insert into change values ('no_scope', old.dag_run_id, null, old.scope_id, 0, 0, 0, 0);
  end;
  create temp trigger dag_changed after update of is_paused on main.dag begin
    insert into change values ('dag', new.dag_id, null, new.is_paused, 0, 0, 0, 0);
  end;`;

/** What is written down of each change of a run, a task instance and what belongs to them, by triggers of the database itself: nothing the program does can hide one. */
export class ChangeLog {
  readonly #read: StatementSync;
  readonly #forget: StatementSync;

  constructor(connection: DatabaseSync) {
    connection.exec(LOG_CHANGES);
    this.#read = connection.prepare('select * from change order by rowid');
    this.#forget = connection.prepare('delete from change');
  }

  /** The changes since the last time, in order. */
  take(): readonly Change[] {
    const changes = this.#read.all() as unknown as Change[];
    if (changes.length > 0) this.#forget.run();
    return changes;
  }
}
