import { encodingsOf, MIN_SECRET_LENGTH } from './encodings.ts';
import { SEALED_PREFIX } from './sealed-prefix.ts';
import { isSensitiveName, type IsSensitiveName } from './sensitive-names.ts';

/** What is shown in the place of a secret, as in Airflow. */
export const MASK = '***';

/** Texts that are never masked: Airflow's own default password, and words that every log has. */
const NEVER_MASKED = new Set(['airflow', 'false', 'default', 'undefined']);
/** A text of fewer different characters is no secret that anybody could keep. */
const FEWEST_DIFFERENT_CHARACTERS = 3;
const GRAM_LENGTH = MIN_SECRET_LENGTH;
const BASE = 0x01000193;
/** The factor of the character that leaves the window. */
const OLDEST_FACTOR = Array.from({ length: GRAM_LENGTH - 1 }).reduce<number>((power) => Math.imul(power, BASE), 1);
const FILTER_BITS = 20;
const HEAD_LENGTH = 4;
const MAX_DEPTH = 200;

/** A pattern and where in it stands the part that it is found by. */
interface Anchor {
  readonly pattern: string;
  readonly offset: number;
}

/** Half-open. */
interface Span {
  readonly start: number;
  end: number;
}

/**
 * Finds secrets, in whatever encoding, and puts `***` in their place. A secret is known from when it is added; texts that are looked at before are not
 * looked at again.
 *
 * Each pattern is found by five of its characters that no other pattern has, as far as there are such: looking through a text takes one step for each
 * character, however many secrets there are (Rabin and Karp's rolling hash; a regular expression of thousands of secrets would take thousands).
 */
export class Masker {
  readonly #isSensitiveName: IsSensitiveName;
  readonly #secrets = new Set<string>();
  readonly #patterns = new Set<string>();
  readonly #anchors = new Map<number, Anchor[]>();
  readonly #filter = new Uint8Array(2 ** FILTER_BITS);
  readonly #heads = new Map<string, string[]>();
  #longest = 0;

  constructor(isSensitive: IsSensitiveName = isSensitiveName) {
    this.#isSensitiveName = isSensitive;
  }

  /**
   * Has a text masked from here on. Idempotent.
   * @returns false for a text that is too short or too plain: it would be masked all over, and its owner should hear of that
   */
  add(secret: string): boolean {
    if (this.#secrets.has(secret)) return true;
    if (!isMaskable(secret)) return false;
    this.#secrets.add(secret);
    for (const pattern of encodingsOf(secret)) this.#addPattern(pattern);
    return true;
  }

  /** Whether there is anything to mask. */
  get hasSecrets(): boolean {
    return this.#secrets.size > 0;
  }

  /** The text without the secrets in it. */
  mask(text: string): string {
    if (this.#patterns.size === 0 || text.length < GRAM_LENGTH) return text;
    const spans = this.#find(text);
    return spans.length === 0 ? text : replaceSpans(text, spans);
  }

  /** The same for a text whose end was cut off: the beginning of a secret at its very end goes, too. */
  maskCut(text: string): string {
    const masked = this.mask(text);
    for (let start = Math.max(0, masked.length - this.#longest); start <= masked.length - HEAD_LENGTH; start += 1) {
      const candidates = this.#heads.get(masked.slice(start, start + HEAD_LENGTH)) ?? [];
      const rest = masked.slice(start);
      if (candidates.some((pattern) => pattern.startsWith(rest))) return `${masked.slice(0, start)}${MASK}`;
    }
    return masked;
  }

  /**
   * A copy of a value without the secrets in its texts, keys and numbers; what stands under a name that says that it is secret goes whole. Texts that
   * hold JSON are texts: their escapes are known.
   */
  maskValue(value: unknown, name?: string): unknown {
    return this.#maskAny(value, name !== undefined && this.#isSensitiveName(name), 0);
  }

  #maskAny(value: unknown, isSecret: boolean, depth: number): unknown {
    if (value === null || value === undefined || typeof value === 'boolean') return value;
    if (typeof value === 'string') return this.#maskText(value, isSecret);
    if (typeof value === 'number' || typeof value === 'bigint') {
      return isSecret || this.mask(String(value)) !== String(value) ? MASK : value;
    }
    if (typeof value !== 'object' || depth >= MAX_DEPTH) return MASK;
    if (Array.isArray(value)) return value.map((item: unknown) => this.#maskAny(item, isSecret, depth + 1));
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.mask(key), this.#maskAny(item, isSecret || this.#isSensitiveName(key), depth + 1)]),
    );
  }

  #maskText(text: string, isSecret: boolean): string {
    return (isSecret && text !== '') || text.startsWith(SEALED_PREFIX) ? MASK : this.mask(text);
  }

  #addPattern(pattern: string): void {
    if (this.#patterns.has(pattern)) return;
    this.#patterns.add(pattern);
    this.#longest = Math.max(this.#longest, pattern.length);
    const head = pattern.slice(0, HEAD_LENGTH);
    this.#heads.getOrInsertComputed(head, () => []).push(pattern);
    const { hash, offset } = this.#rarestGram(pattern);
    this.#anchors.getOrInsertComputed(hash, () => []).push({ pattern, offset });
    this.#filter[hash >>> (32 - FILTER_BITS)] = 1;
  }

  #rarestGram(pattern: string): { hash: number; offset: number } {
    let rarest = { hash: hashOf(pattern, 0), offset: 0 };
    let count = this.#anchors.get(rarest.hash)?.length ?? 0;
    for (let offset = 1; count > 0 && offset <= pattern.length - GRAM_LENGTH; offset += 1) {
      const hash = hashOf(pattern, offset);
      const others = this.#anchors.get(hash)?.length ?? 0;
      if (others < count) [rarest, count] = [{ hash, offset }, others];
    }
    return rarest;
  }

  #find(text: string): Span[] {
    const spans: Span[] = [];
    let hash = hashOf(text, 0);
    for (let position = 0; ; position += 1) {
      if (this.#filter[hash >>> (32 - FILTER_BITS)] === 1) this.#collect(text, position, hash, spans);
      const next = position + GRAM_LENGTH;
      if (next >= text.length) return spans;
      const withoutOldest = hash - Math.imul(text.charCodeAt(position) + 1, OLDEST_FACTOR);
      hash = (Math.imul(withoutOldest, BASE) + text.charCodeAt(next) + 1) >>> 0;
    }
  }

  #collect(text: string, position: number, hash: number, spans: Span[]): void {
    for (const { pattern, offset } of this.#anchors.get(hash) ?? []) {
      const start = position - offset;
      if (start >= 0 && text.startsWith(pattern, start)) spans.push({ start, end: start + pattern.length });
    }
  }
}

/** Whether a text can be masked without masking half of every log. */
function isMaskable(secret: string): boolean {
  const text = secret.trim();
  if (text.length < MIN_SECRET_LENGTH || NEVER_MASKED.has(text.toLowerCase())) return false;
  return new Set(text).size >= FEWEST_DIFFERENT_CHARACTERS;
}

function hashOf(text: string, start: number): number {
  let hash = 0;
  for (let index = start; index < start + GRAM_LENGTH; index += 1) hash = Math.imul(hash, BASE) + text.charCodeAt(index) + 1;
  return hash >>> 0;
}

/** Secrets can overlap, and be part of each other: what is covered by any of them goes. */
function replaceSpans(text: string, found: Span[]): string {
  const parts: string[] = [];
  let position = 0;
  for (const { start, end } of found.toSorted((a, b) => a.start - b.start)) {
    if (start >= position) parts.push(text.slice(position, start), MASK);
    position = Math.max(position, end);
  }
  parts.push(text.slice(position));
  return parts.join('');
}
