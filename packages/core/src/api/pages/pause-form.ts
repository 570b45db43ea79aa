import { html, type Html } from './html.ts';
import { dagPath } from './paths.ts';

/** The switch that turns a dag off and on; afterwards the browser is back on the page that it stood on. */
export function pauseForm(dag: { readonly dagId: string; readonly isPaused: boolean }, from: 'dags' | 'dag'): Html {
  return html`<form class="inline" method="post" action="${dagPath(dag.dagId)}/pause">
    <input type="hidden" name="is_paused" value="${dag.isPaused ? 'false' : 'true'}" />
    <input type="hidden" name="from" value="${from}" />
    <button
      class="switch ${dag.isPaused ? 'off' : 'on'}"
      aria-pressed="${dag.isPaused ? 'false' : 'true'}"
      aria-label="${dag.isPaused ? 'Turn on' : 'Pause'} ${dag.dagId}"
    >
      ${dag.isPaused ? 'paused' : 'on'}
    </button>
  </form>`;
}
