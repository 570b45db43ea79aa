/**
 * The route table: everything that the server answers, in one list. Each route stands with its resource and carries its policy.
 */
import { postPause, postTrigger, showDag } from './pages/dag-page.ts';
import { showEvents } from './pages/events-page.ts';
import { showDags } from './pages/home-page.ts';
import { showDagRun } from './pages/run-page.ts';
import { getStylesheet, postLogin, postLogout, showLogin } from './pages/session-pages.ts';
import { showTaskInstance } from './pages/task-page.ts';
import { createAssetEvent, getAssetEvents } from './resources/asset-events.ts';
import { getAsset, getAssets } from './resources/assets.ts';
import { getDagRun, getDagRuns } from './resources/dag-runs.ts';
import { getDag, getDags, patchDag } from './resources/dags.ts';
import { getQuarantine, getSubscriptions } from './resources/federation.ts';
import { getImportErrors } from './resources/import-errors.ts';
import { createCliToken, createToken } from './resources/login.ts';
import { getHealth, getVersion } from './resources/monitor.ts';
import { getTaskInstance, getTaskInstances } from './resources/task-instances.ts';
import { getLog } from './resources/task-logs.ts';
import { postDagRun } from './resources/post-dag-run.ts';
import { getXComEntry } from './resources/xcoms.ts';
import type { Route } from './route.ts';

export const ROUTES: readonly Route[] = [
  // Airflow's, for programs
  createToken,
  createCliToken,
  getVersion,
  getHealth,
  getDags,
  getDag,
  patchDag,
  getDagRuns,
  getDagRun,
  postDagRun,
  getTaskInstances,
  getTaskInstance,
  getLog,
  getXComEntry,
  getImportErrors,
  getAssets,
  getAsset,
  getAssetEvents,
  createAssetEvent,
  // ours, for programs
  getSubscriptions,
  getQuarantine,
  // for people
  showLogin,
  postLogin,
  postLogout,
  getStylesheet,
  showDags,
  showDag,
  postTrigger,
  postPause,
  showDagRun,
  showTaskInstance,
  showEvents,
];
