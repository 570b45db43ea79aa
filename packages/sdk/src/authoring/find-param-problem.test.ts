import { expect, test } from 'vitest';
import { findParamProblem } from './find-param-problem.ts';

test('findParamProblem leaves the schema as it was, and takes a frozen one', () => {
  const schema = Object.freeze({ type: 'array', items: Object.freeze({ type: 'integer' }) });
  expect(findParamProblem(schema, [1])).toBeUndefined();
  expect(findParamProblem(schema, ['a'])).toBe('0: Instance type "string" is invalid. Expected "integer"');
});

test('findParamProblem names at most three problems', () => {
  const problem = findParamProblem({ type: 'array', items: { type: 'integer' } }, ['a', 'b', 'c', 'd']);
  expect(problem?.split('; ')).toHaveLength(3);
});
