/** `offhook open`: what a phone sees in a sealed or compressed file. Source: MPP §2.1 (detection). */
import type { Command } from 'commander'
import { utf8Text } from '../protocol/bytes.ts'
import {
  type EnvelopeProblem,
  gunzip,
  ikmFromText,
  isGzip,
  isSalted,
  openAes128gcm,
  openSalted,
} from '../protocol/envelope/mod.ts'
import { err, ok, type Result } from '../protocol/result.ts'
import { addExamples } from './examples.ts'
import { CliProblem, usageProblem } from './exit-codes.ts'
import { INPUT_BYTES_MAX, readInput, readKey, writeOutput } from './files.ts'

/** What was sealed may hold passwords: nobody else may read a file that is new. */
const OPENED_MODE = 0o600
const SALTED_HEADER_BYTES = 16

interface OpenOptions {
  readonly key?: string
  readonly keyFile?: string
  readonly out: string
  readonly binary?: true
}

export function registerOpenCommand(program: Command): void {
  const command = program
    .command('open')
    .description('Open a sealed or compressed file, as a phone does')
    .argument('<in>', 'file to open; - is standard input')
    .option('--key <phrase>', 'the phrase of --key, or the key of RFC 8188; others can see command lines')
    .option('--key-file <file>', 'a file with the phrase; one line end at its end does not count')
    .requiredOption('--out <file>', 'where to write it; - is standard output')
    .option('--binary', 'take what opens even if it is not text')
    .action((input: string, options: OpenOptions) => openFile(input, options))
    .addHelpText(
      'after',
      `
What the file is, is seen from its bytes: "Salted__" (openssl enc, AES-256-CBC, MD5), gzip, or RFC 8188 (aes128gcm), the
first and last with gzip inside. A wrong key is an error and nothing is written. "Salted__" files have no checksum: about
one wrong key in 256 opens to noise, which is refused unless --binary is given. A new file is readable by its owner only.`,
    )
  addExamples(command, [
    ['offhook open phone.cfg --key "correct horse battery" --out phone.xml', 'a sealed profile'],
    ['offhook open phone.cfg --key-file phrase.txt --out - | less', 'to look at it'],
    ['offhook open phone.xml.gz --out phone.xml', 'only compressed: no key needed'],
  ])
}

async function openFile(input: string, options: OpenOptions): Promise<void> {
  const key = await readKey(options, input)
  const opened = openBytes(await readInput(input), key, options.binary === true)
  if (!opened.ok) {
    const name = input === '-' ? 'standard input' : `"${input}"`
    throw opened.error.kind === 'no-key'
      ? usageProblem(opened.error.message)
      : new CliProblem(`Cannot open ${name}: ${opened.error.message}`)
  }
  await writeOutput(options.out, opened.value, OPENED_MODE)
}

export interface OpenProblem {
  readonly kind: 'no-key' | 'cannot-open'
  readonly message: string
}

/**
 * The plain bytes of a sealed or compressed file, gzip inside a seal undone.
 * @param anything also what is neither text nor gzip when it comes out
 */
export function openBytes(
  bytes: Uint8Array,
  key: string | undefined,
  anything: boolean,
): Result<Uint8Array, OpenProblem> {
  if (isGzip(bytes)) return unpacked(ok(bytes))
  if (key === undefined) {
    if (isSalted(bytes))
      return err({ kind: 'no-key', message: 'the file is sealed; give --key PHRASE or --key-file FILE' })
    const what = looksLikeText(bytes)
      ? 'it is plain text already'
      : 'it is neither "Salted__" nor gzip; RFC 8188 needs --key'
    return err({ kind: 'cannot-open', message: what })
  }
  return isSalted(bytes) ? openWithPhrase(bytes, key, anything) : openWithIkm(bytes, key)
}

function openWithPhrase(bytes: Uint8Array, key: string, anything: boolean): Result<Uint8Array, OpenProblem> {
  const opened = openSalted(bytes, key)
  const plain = unpacked(opened)
  if (!opened.ok || anything) return plain
  // Most of the noise that a wrong key opens to ends in a single 01, which is a whole padding.
  const paddingBytes = bytes.length - SALTED_HEADER_BYTES - opened.value.length
  const doubtful = paddingBytes === 1 && !looksLikeText(opened.value)
  if (!doubtful || (isGzip(opened.value) && plain.ok)) return plain
  return err({
    kind: 'cannot-open',
    message: 'the key opens it to no text, so it is most likely wrong; --binary takes it anyway',
  })
}

/** RFC 8188 has no mark of its own, but its records prove their key. */
function openWithIkm(bytes: Uint8Array, key: string): Result<Uint8Array, OpenProblem> {
  const opened = openAes128gcm(bytes, ikmFromText(key))
  if (opened.ok) return unpacked(opened)
  const what = looksLikeText(bytes)
    ? 'it is plain text already'
    : 'it does not begin with "Salted__", and as RFC 8188 (aes128gcm) the key does not open it'
  return err({ kind: 'cannot-open', message: what })
}

function unpacked(opened: Result<Uint8Array, EnvelopeProblem>): Result<Uint8Array, OpenProblem> {
  const plain = opened.ok && isGzip(opened.value) ? gunzip(opened.value, INPUT_BYTES_MAX) : opened
  if (plain.ok) return plain
  const { code, message } = plain.error
  const advice = code === 'bad-key' ? '; it is the wrong key, or the file is damaged' : ''
  return err({ kind: 'cannot-open', message: `${message}${advice}` })
}

function looksLikeText(bytes: Uint8Array): boolean {
  const text = utf8Text(bytes)
  return text !== undefined && !/[\u0000-\u0008\u000e-\u001f]/.test(text)
}
