export type { Duration, Isolation, JsonObject, JsonValue, PublishTarget, TriggerRule, WatcherSource } from '@tradewind/protocol';
export { asset, type Asset, type AssetOptions } from './authoring/asset.ts';
export type { DagBuilder } from './authoring/dag-builder.ts';
export type { DagOptions } from './authoring/dag-options.ts';
export { dag } from './authoring/dag.ts';
export {
  findCallbacks,
  findTrigger,
  isDagDefinition,
  type Dag,
  type DagDefinition,
  type ResumeHandler,
  type TaskHandler,
} from './authoring/definition.ts';
export {
  defer,
  deferFor,
  deferUntil,
  trigger,
  type AnyTrigger,
  type Deferred,
  type DeferOptions,
  type Trigger,
  type TriggerContext,
  type TriggerHandler,
} from './authoring/deferral.ts';
export { concat, sets, zip, type ArgumentSets, type CombinedList, type Expand, type MapList } from './authoring/expand.ts';
export type { AfterItem, BranchChoice, BranchRef, GroupRef } from './authoring/group-ref.ts';
export type { MappedValues } from './authoring/mapped-values.ts';
export type {
  Callback,
  CallbackContext,
  CallbackHandler,
  Callbacks,
  DagCallbackContext,
  DagCallbacks,
  DeadlineCallbackContext,
  TaskCallbackContext,
  TaskCallbacks,
  WeighedTask,
} from './authoring/callbacks.ts';
export { deadline, type Deadline } from './authoring/deadline.ts';
export type { Connection, EnvironmentAccess, ReadVariable, XComAccess, XComPlace } from './authoring/environment-access.ts';
export { bash, type BashOptions } from './authoring/operators/bash.ts';
export { empty } from './authoring/operators/empty.ts';
export { externalTaskMarker, type ExternalTaskMarkerOptions } from './authoring/operators/external-task-marker.ts';
export { bashSensor, type BashSensorOptions } from './authoring/operators/sensors/bash-sensor.ts';
export { dateTimeSensor, type DateTimeSensorOptions } from './authoring/operators/sensors/date-time-sensor.ts';
export { dayOfWeekSensor, type DayOfWeekSensorOptions, type WeekDay } from './authoring/operators/sensors/day-of-week-sensor.ts';
export { externalTaskSensor, type ExternalTaskSensorOptions } from './authoring/operators/sensors/external-task-sensor.ts';
export { fileSensor, type FileSensorOptions } from './authoring/operators/sensors/file-sensor.ts';
export { timeDeltaSensor, type TimeDeltaSensorOptions } from './authoring/operators/sensors/time-delta-sensor.ts';
export { timeSensor, type TimeSensorOptions } from './authoring/operators/sensors/time-sensor.ts';
export type { ParamSchema, ParamSchemas, ParamValue, ParamValues } from './authoring/param-schema.ts';
export type { AssetConditionInput, AssetSchedule, AssetScheduleSettings } from './authoring/asset-condition.ts';
export type { Inlet, Outlet } from './authoring/asset-lists.ts';
export { assetAlias, type AssetAlias, type AssetRef } from './authoring/asset-reference.ts';
export { assetOrTime, type AssetOrTime, type CronSchedule, type Schedule } from './authoring/schedule.ts';
export {
  cron,
  cronInterval,
  crons,
  events,
  every,
  timetable,
  type CronOptions,
  type EventsOptions,
  type EveryOptions,
  type Timetable,
  type TimetableBounds,
  type TimetableCode,
  type TimetableRun,
} from './authoring/timetable.ts';
export type { AssetEvent, DataInterval, InletEventsOptions, LogFields, TaskContext, TaskLog } from './authoring/task-context.ts';
export type { TaskDefaults } from './authoring/task-defaults.ts';
export type {
  BranchSpec,
  GroupOptions,
  MappedGroupOptions,
  MappedTaskSpec,
  PokeResult,
  ScopeOptions,
  SensorOperatorSpec,
  SensorOptions,
  SensorSpec,
  ShortCircuitSpec,
  TeardownSpec,
  TriggerDagRunSpec,
} from './authoring/task-kinds.ts';
export type { ExpandedRef, InputRef, SetupRef, TaskRef, TeardownRef } from './authoring/task-ref.ts';
export type { CodeOptions, Inputs, OperatorSpec, TaskOptions, TaskSpec } from './authoring/task-spec.ts';
export type { Jsonify, NotJson, TaskValue } from './authoring/task-value.ts';
export {
  DefinitionError,
  FailTask,
  RequestError,
  SDK_ERROR_CODES,
  SdkError,
  SkipTask,
  TemplateError,
  type RequestErrorReason,
  type SdkErrorCode,
} from './errors.ts';
