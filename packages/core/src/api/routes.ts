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
import { getAssetAlias, getAssetAliases } from './resources/asset-aliases.ts';
import { getAsset, getAssets } from './resources/assets.ts';
import { listDagWarnings } from './resources/dag-warnings.ts';
import { materializeAsset } from './resources/materialize-asset.ts';
import {
  deleteAssetQueuedEvents,
  deleteDagAssetQueuedEvent,
  deleteDagAssetQueuedEvents,
  getAssetQueuedEvents,
  getDagAssetQueuedEvent,
  getDagAssetQueuedEvents,
} from './resources/queued-events.ts';
import {
  cancelBackfillRoute,
  getBackfill,
  getBackfills,
  pauseBackfill,
  postBackfill,
  postBackfillDryRun,
  unpauseBackfill,
} from './resources/backfills.ts';
import { clearDagRun, deleteDagRunRoute, patchDagRun } from './resources/change-dag-runs.ts';
import { cleanDatabase } from './resources/clean.ts';
import { postClearTaskInstances } from './resources/clear-task-instances.ts';
import { getConfig, getConfigValue } from './resources/config.ts';
import {
  bulkConnectionsRoute,
  deleteConnection,
  getConnection,
  getConnections,
  patchConnection,
  postConnection,
} from './resources/connections.ts';
import { getDagRun, getDagRuns } from './resources/dag-runs.ts';
import { getDagDetails } from './resources/dag-details.ts';
import { deleteDag, getDagFiles, getDagSource, reparseDagFile, reserializeDags } from './resources/dag-files.ts';
import { compareDagVersions, getDagDefinition, getDagVersion, getDagVersions, getVersionDetails } from './resources/dag-versions.ts';
import { getDag, getDags, patchDag } from './resources/dags.ts';
import { getQuarantine, getSubscriptions } from './resources/federation.ts';
import { getImportErrors } from './resources/import-errors.ts';
import { createCliToken, createToken } from './resources/login.ts';
import { getHealth, getVersion } from './resources/monitor.ts';
import {
  patchMappedTaskInstance,
  patchMappedTaskInstanceDryRun,
  patchTaskGroupInstances,
  patchTaskGroupInstancesDryRun,
  patchTaskInstance,
  patchTaskInstanceDryRun,
} from './resources/patch-task-instances.ts';
import { deletePoolRoute, getPool, getPools, patchPool, postPool } from './resources/pools.ts';
import {
  getMappedTaskInstanceTries,
  getMappedTaskInstanceTry,
  getTaskInstanceTries,
  getTaskInstanceTry,
} from './resources/task-instance-tries.ts';
import { getMappedTaskInstance, getMappedTaskInstances, getTaskInstance, getTaskInstances } from './resources/task-instances.ts';
import { followLog, getLogIndex, getLogLines, searchLog } from './resources/task-log-lines.ts';
import { getLog } from './resources/task-logs.ts';
import { postDagRun } from './resources/post-dag-run.ts';
import { waitForDagRun } from './resources/wait-for-dag-run.ts';
import {
  explainDagRoute,
  explainDagRunRoute,
  explainTaskInstanceRoute,
  getMappedTaskInstanceDependencies,
  getTaskInstanceDependencies,
} from './resources/why.ts';
import { createXComEntry, deleteXComEntry, getXComEntries, getXComEntry, updateXComEntry } from './resources/xcoms.ts';
import { exportSecrets, getSecretFetches, lookUpSecret, rotateSecretKeys } from './resources/secrets.ts';
import { bulkVariablesRoute, deleteVariable, getVariable, getVariables, patchVariable, postVariable } from './resources/variables.ts';
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
  patchDagRun,
  clearDagRun,
  deleteDagRunRoute,
  waitForDagRun,
  postClearTaskInstances,
  getMappedTaskInstances,
  getMappedTaskInstance,
  patchTaskInstance,
  patchMappedTaskInstance,
  patchTaskGroupInstances,
  patchTaskInstanceDryRun,
  patchMappedTaskInstanceDryRun,
  patchTaskGroupInstancesDryRun,
  getTaskInstanceTries,
  getMappedTaskInstanceTries,
  getTaskInstanceTry,
  getMappedTaskInstanceTry,
  getXComEntries,
  createXComEntry,
  updateXComEntry,
  deleteXComEntry,
  getPools,
  getPool,
  postPool,
  patchPool,
  deletePoolRoute,
  getTaskInstanceDependencies,
  getMappedTaskInstanceDependencies,
  getDagDetails,
  deleteDag,
  getDagSource,
  reparseDagFile,
  getDagVersions,
  getDagVersion,
  getImportErrors,
  getAssets,
  getAssetAliases,
  getAssetAlias,
  getAsset,
  materializeAsset,
  getAssetQueuedEvents,
  deleteAssetQueuedEvents,
  getDagAssetQueuedEvents,
  deleteDagAssetQueuedEvents,
  getDagAssetQueuedEvent,
  deleteDagAssetQueuedEvent,
  listDagWarnings,
  getAssetEvents,
  createAssetEvent,
  getBackfills,
  getBackfill,
  postBackfill,
  postBackfillDryRun,
  pauseBackfill,
  unpauseBackfill,
  cancelBackfillRoute,
  getVariables,
  getVariable,
  postVariable,
  patchVariable,
  deleteVariable,
  bulkVariablesRoute,
  getConnections,
  getConnection,
  postConnection,
  patchConnection,
  deleteConnection,
  bulkConnectionsRoute,
  getConfig,
  getConfigValue,
  // ours, for programs
  exportSecrets,
  lookUpSecret,
  rotateSecretKeys,
  getSecretFetches,
  getSubscriptions,
  getQuarantine,
  explainDagRoute,
  explainDagRunRoute,
  explainTaskInstanceRoute,
  cleanDatabase,
  getDagFiles,
  reserializeDags,
  getDagDefinition,
  getVersionDetails,
  compareDagVersions,
  getLogIndex,
  getLogLines,
  searchLog,
  followLog,
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
