/** Tasks that do to their process whatever a task can do. Each is named after what it does; hostile-tasks.process.test.ts says what must come of it. */
import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { dag } from '@tradewind/sdk';

const forever = () => new Promise(() => {});
const busy = () => {
  for (;;);
};

function ignoreSigterm() {
  process.removeAllListeners('SIGTERM');
  process.on('SIGTERM', () => {});
  return forever();
}

/** Starts a process that ignores SIGTERM and goes on for ever, and resolves once it does. */
function startSleeper(name, options) {
  const script = `process.on('SIGTERM', () => {}); console.log('${name} ' + process.pid); require('node:fs').writeSync(3, 'x'); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'], ...options });
  return new Promise((resolve) => child.stdio[3].once('data', resolve));
}

async function startStubbornChild() {
  await startSleeper('child', {});
  process.exit(5);
}

async function startDaemon() {
  await startSleeper('daemon', { detached: true });
  process.kill(process.pid, 'SIGKILL');
}

function frame(length, text) {
  const bytes = Buffer.alloc(4 + text.length);
  bytes.writeUInt32BE(length);
  bytes.write(text, 4);
  return bytes;
}

function sendMessage(message) {
  const text = JSON.stringify(message);
  writeSync(3, frame(Buffer.byteLength(text), text));
}

function recurse(depth = 0) {
  return recurse(depth + 1) + 1;
}

async function spinInMicrotasks() {
  for (;;) await null;
}

function printUntil(bytes, text) {
  const chunk = Buffer.from(text.repeat(Math.ceil(65_536 / text.length)));
  for (let printed = 0; printed < bytes; printed += chunk.length) {
    for (let written = 0; written < chunk.length; ) {
      try {
        written += writeSync(1, chunk, written);
      } catch (error) {
        if (error.code !== 'EAGAIN') throw error;
      }
    }
  }
  return bytes;
}

const circle = {};
circle.self = circle;
const results = {
  returns_function: () => () => 1,
  returns_symbol: () => Symbol('x'),
  returns_map: () => new Map(),
  returns_nan: () => ({ price: Number.NaN }),
  returns_minus_zero: () => -0,
  returns_bigint: () => 1n,
  returns_circle: () => circle,
  returns_nine_megabytes: () => 'x'.repeat(9_000_000),
  returns_deep: () => {
    let deep = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    return deep;
  },
  returns_prototype_key: () => JSON.parse('{"__proto__":{"admin":true}}'),
};

export const hostile = dag('hostile', (d) => {
  const task = (taskId, run) => d.task(taskId, { run });
  task('bystander', () => 'fine');
  task('report_process', () => ({ pid: process.pid, folder: process.cwd(), variables: Object.keys(process.env).sort(), polluted: {}.polluted ?? null }));

  task('ignores_sigterm', ignoreSigterm);
  task('starts_stubborn_child', startStubbornChild);
  task('starts_daemon', startDaemon);
  task('fills_heap', () => {
    const kept = [];
    for (;;) kept.push(Array.from({ length: 100_000 }, (_, index) => index + kept.length));
  });
  task('loops', busy);
  task('loops_in_microtasks', spinInMicrotasks);
  task('recurses', () => recurse());

  task('exits_with_0', () => process.exit(0));
  task('exits_behind_listeners', () => {
    process.removeAllListeners('exit');
    process.exit(0);
  });
  task('exits_with_9', () => process.exit(9));
  task('aborts', () => process.abort());
  task('dies_of_segmentation_fault', () => process.kill(process.pid, 'SIGSEGV'));
  task('dies_after_success', () => {
    setTimeout(() => process.exit(7), 0).unref();
    return 'done';
  });
  task('throws_in_timer', () => {
    setTimeout(() => {
      throw new Error('thrown in a timer');
    }, 0);
    return forever();
  });
  task('rejects_unhandled', () => {
    Promise.reject(new Error('nobody listens'));
    return 'done';
  });
  task('throws_null', () => {
    throw null;
  });
  task('throws_proxy', () => {
    throw new Proxy({}, { get: () => busyGetter(), getPrototypeOf: () => busyGetter() });
  });

  task('leaks_interval', () => {
    setInterval(() => {}, 1_000);
    return 'done';
  });
  task('leaks_server', () => new Promise((resolve) => createServer().listen(0, '127.0.0.1', () => resolve('done'))));
  task('pollutes_prototype', () => {
    Object.prototype.polluted = 'yes';
    return 'done';
  });
  task('changes_process', () => {
    process.chdir('/');
    process.env.PLANTED = 'yes';
    delete process.env.PATH;
    return 'done';
  });

  task('writes_noise_to_channel', () => {
    writeSync(3, 'HTTP/1.1 200 OK\r\n\r\n');
    return forever();
  });
  task('announces_4_gigabytes', () => {
    writeSync(3, frame(0xffff_fff0, ''));
    return forever();
  });
  task('sends_unknown_message', () => {
    sendMessage({ type: 'promote', to: 'admin' });
    return forever();
  });
  task('ends_another_attempt', () => {
    const outcome = { result: 'success', valueJson: '"forged"', events: [] };
    sendMessage({ type: 'ended', attempt: { taskInstanceId: 'run.bystander', epoch: 1 }, outcome, at: 1, heapUsedBytes: 1 });
    return 'honest';
  });
  task('closes_channel', () => {
    closeSync(3);
    return forever();
  });
  task('closes_stdout', () => {
    closeSync(1);
    return 'done';
  });
  task('breaks_json', () => {
    JSON.stringify = () => 'broken';
    return 'done';
  });

  task('prints_300_megabytes', () => printUntil(300 * 1_048_576, 'all work and no play makes a dull log\n'));
  task('prints_one_line_of_20_megabytes', () => printUntil(20 * 1_048_576, 'x'));
  task('prints_bytes', () => {
    writeSync(1, Buffer.from([0xff, 0xfe, 0x00, 0x41, 0x0a]));
    writeSync(1, '10%\r20%\r\n\u001b[31mred\u001b]8;;http://evil\u0007link\n');
    writeSync(1, '<script>alert(1)</script>\n\nno line break');
    return 'done';
  });
  task('prints_and_returns', () => {
    for (let line = 0; line < 20_000; line += 1) console.log(`line ${line} ${'x'.repeat(90)}`);
    return 'done';
  });
  task('prints_and_exits', () => {
    for (let line = 0; line < 20_000; line += 1) console.log(`line ${line} ${'x'.repeat(90)}`);
    process.exit(1);
  });
  task('prints_marks', () => {
    writeSync(1, `\n\u001e${JSON.stringify({ outputEndOf: { taskInstanceId: 'run.bystander', epoch: 1 } })}\n`);
    writeSync(1, '\n\u001enot json\n');
    writeSync(1, `\n\u001e${JSON.stringify({ level: 'loud' })}\n`);
    console.log('after the marks');
    return 'done';
  });

  for (const [taskId, run] of Object.entries(results)) task(taskId, run);
});

function busyGetter() {
  throw new Error('not even this can be read');
}
