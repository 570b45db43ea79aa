/** The command line of the proofs and benches: what they take, and what somebody who takes something else is told. */
import { parseArgs } from 'node:util';

type Spec = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>;
type Values<Options extends Spec> = {
  readonly [Name in keyof Options]: (Options[Name]['type'] extends 'string' ? string : boolean) | undefined;
};

/** What a program was given. */
export interface ProofOptions<Options extends Spec> {
  readonly values: Values<Options>;
  readonly positionals: readonly string[];
  /** The value of an option that takes a whole number, or its default. Ends the process where it is something else. */
  readonly wholeNumber: (name: keyof Options & string, byDefault: number, least?: number) => number;
  /** The value of an option that takes one of some words, or the first of them. Ends the process where it is something else. */
  readonly oneOf: <const Word extends string>(name: keyof Options & string, words: readonly [Word, ...Word[]]) => Word;
  /** Ends the process with exit code 2, saying what is wrong and how it goes. */
  readonly fail: (problem: string) => never;
}

/**
 * Reads the command line of this process. `--help` prints the usage and ends it.
 * @param usage the way it is called, behind `npm run -s `, and on further lines what that does
 * @param mostPositionals how many words it takes that belong to no option
 */
export function readProofOptions<const Options extends Spec>(usage: string, options: Options, mostPositionals = 0): ProofOptions<Options> {
  const [call = ''] = usage.split('\n');
  const fail = (problem: string): never => {
    console.error(`${call.split(' ')[0]}: ${problem}\nusage: npm run -s ${call}`);
    process.exit(2);
  };
  const { values, positionals } = read({ ...options, help: { type: 'boolean' } }, fail);
  if (values['help'] === true) {
    console.log(`usage: npm run -s ${usage}`);
    process.exit(0);
  }
  const surplus = positionals[mostPositionals];
  if (surplus !== undefined) fail(`"${surplus}" belongs to no option`);
  return {
    values: values as Values<Options>,
    positionals,
    wholeNumber: (name, byDefault, least = 0) => {
      const text = String((values[name] as string | undefined) ?? byDefault);
      const number = Number(text);
      if (text !== '' && Number.isSafeInteger(number) && number >= least) return number;
      return fail(`--${name} takes a whole number of at least ${least}, not "${text}"`);
    },
    oneOf: (name, words) => {
      const text = (values[name] as string | undefined) ?? words[0];
      return words.find((word) => word === text) ?? fail(`--${name} takes ${words.join(' or ')}, not "${text}"`);
    },
    fail,
  };
}

function read(
  options: Spec,
  fail: (problem: string) => never,
): { readonly values: Readonly<Record<string, unknown>>; readonly positionals: readonly string[] } {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    // Its first sentence; what follows is about names that begin with a dash.
    return fail((error as Error).message.split('. ')[0] ?? '');
  }
}
