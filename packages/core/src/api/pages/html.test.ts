import { describe, expect, test } from 'vitest';
import { html, markupOf, type Html } from './html.ts';

describe('html', () => {
  const escaped = (text: string): string => markupOf(html`${text}`);

  test('escapes what is filled in', () => {
    expect(escaped(`"'<>&`)).toBe('&quot;&#39;&lt;&gt;&amp;');
  });

  test('takes markup of its own as it is, in lists too', () => {
    expect(markupOf(html`${['a', '<b>'].map((text) => html`<li>${text}</li>`)}`)).toBe('<li>a</li><li>&lt;b&gt;</li>');
  });

  test('leaves out what is missing, and shows zero', () => {
    expect(markupOf(html`${null}${undefined}${false}${0}${''}`)).toBe('0');
  });

  test('does not take an object out of stored JSON for markup', () => {
    const stored = JSON.parse('{"markup":"<script>","Symbol(markup)":"<script>"}') as Html;
    expect(() => html`${stored}`).toThrow(TypeError);
  });
  test.each([
    ['\u001b[31mred\u001b[0m', '␛[31mred␛[0m'],
    ['a\u0000b', 'a␀b'],
    ['a\rb', 'a␍b'],
    ['a\u007fb', 'a␡b'],
    ['a\u202etxt.exe', 'a[U+202E]txt.exe'],
    ['tab\tand\nline', 'tab\tand\nline'],
  ])('shows control characters as what they are: %j', (text, expected) => {
    expect(escaped(text)).toBe(expected);
  });
});
