/** Stands for every dag, or every run, in Airflow's paths. */
export const WILDCARD = '~';
