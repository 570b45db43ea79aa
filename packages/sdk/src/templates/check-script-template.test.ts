import { expect, test } from 'vitest';
import { checkScriptTemplate } from './check-script-template.ts';

test.each([
  `echo {{ ds }}`,
  `echo "{{ ds }}"`,
  `echo "it's {{ ds }}" 'x'`,
  `echo 'x' {{ ds }} 'y'`,
  `# don't\necho "{{ ds }}"`,
  `echo "{{ params['region'] }}"`,
  `echo \\' {{ ds }} \\'`,
  `echo '$x'`,
])('%j can be run', (script) => {
  expect(() => checkScriptTemplate('bash()', script)).not.toThrow();
});

test.each([`echo '{{ ds }}'`, `echo "a" 'b {{ ds }} c'`, `sed -e 's/x/{{ params["a"] }}/'`])('%j is refused', (script) => {
  expect(() => checkScriptTemplate('bash()', script)).toThrow(
    /between single quotes, where no value can be put in; use double quotes: "\{\{/,
  );
});
