/** `offhook seal`: a profile as phones open it with `--key`, or with the key of RFC 8188. Source: MPP §2. */
import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { gzip, ikmFromText, SALT_BYTES, sealAes128gcm, sealSalted } from '../protocol/envelope/mod.ts'
import { addExamples } from './examples.ts'
import { usageProblem } from './exit-codes.ts'
import { readInput, readKey, writeOutput } from './files.ts'

/** RFC 8188 §2.1. */
const CODING_SALT_BYTES = 16

interface SealOptions {
  readonly key?: string
  readonly keyFile?: string
  readonly out: string
  readonly gzip?: true
  readonly rfc8188?: true
}

export function registerSealCommand(program: Command): void {
  const command = program
    .command('seal')
    .description('Seal a file so that a phone opens it with the key of its rule')
    .argument('<in>', 'file to seal; - is standard input')
    .option('--key <phrase>', 'the phrase, as in [--key "PHRASE"]; others on this machine can see command lines')
    .option('--key-file <file>', 'a file with the phrase; one line end at its end does not count')
    .requiredOption('--out <file>', 'where to write it; - is standard output')
    .option('--gzip', 'compress first')
    .option('--rfc8188', 'seal by RFC 8188 instead: the key is what IKM_HTTP_Encrypt_Content holds')
    .action((input: string, options: SealOptions) => seal(input, options))
    .addHelpText(
      'after',
      `
Without --rfc8188 it is what "openssl enc -aes-256-cbc -md md5 -k PHRASE" makes, and opens. A phrase of hex digits is a
phrase like any other. With --rfc8188 the server must send "Content-Encoding: aes128gcm" with the file; base64url of 16
bytes or more counts as those bytes, any other key as its text. The output is written whole or not at all.`,
    )
  addExamples(command, [
    [
      'offhook seal phone.xml --key "correct horse battery" --out phone.cfg',
      'for the rule [--key "correct horse battery"] …',
    ],
    [
      'offhook seal phone.xml --gzip --key-file phrase.txt --out phone.cfg',
      'compressed, and the phrase stays off the command line',
    ],
    ['cat phone.xml | offhook seal - --key-file phrase.txt --out - > phone.cfg', 'in a pipe'],
  ])
}

async function seal(input: string, options: SealOptions): Promise<void> {
  const key = await readKey(options, input)
  if (key === undefined) throw usageProblem('seal needs --key PHRASE or --key-file FILE')
  const plain = await readInput(input)
  const packed = options.gzip === true ? gzip(plain) : plain
  const sealed =
    options.rfc8188 === true
      ? sealAes128gcm(packed, ikmFromText(key), randomBytes(CODING_SALT_BYTES))
      : sealSalted(packed, key, randomBytes(SALT_BYTES))
  await writeOutput(options.out, sealed)
}
