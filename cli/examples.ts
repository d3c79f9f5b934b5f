/** Help that teaches: each command shows lines that can be typed as they stand. */
import type { Command } from 'commander'
import { EXIT_CODES } from './exit-codes.ts'

type Examples = readonly (readonly [line: string, what: string])[]

/** Adds lines to the end of a command's help. */
export function addExamples(command: Command, examples: Examples): Command {
  const text = examples.map(([line, what]) => `  $ ${line}\n      ${what}`).join('\n')
  return command.addHelpText('after', `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${text}`)
}

/** Of commands that say none themselves, by their path. */
const EXAMPLES: Readonly<Record<string, Examples>> = {
  start: [['offhook start --data /tmp/try', 'the platform, an example provider and a phone, on a folder of its own']],
  serve: [
    ['offhook serve --public-url https://prov.example.com', 'the platform, for phones that reach it by this name'],
    ['offhook serve --standard-ports', 'on ports 69, 80 and 443, as real phones ask'],
  ],
  phone: [
    ['offhook phone --mac 00:0e:08:a1:b2:c3 --dhcp 66=prov.example.com', 'a phone that DHCP sends to a TFTP server'],
    ['offhook phone --interface eth1 --fast', 'as root: it takes its lease from the DHCP server of that network'],
    ['offhook phone --fast --json', 'without waiting, what happens as one JSON document a line'],
  ],
  fleet: [
    ['offhook fleet -n 100 --fast', 'a hundred phones'],
    [
      'offhook fleet --interface eth1 --boxes boxes.csv --fast --until registered',
      'as root: the phones of a list, mac,serial,model, with leases from the DHCP server of that network',
    ],
  ],
  'token create': [
    ['offhook token create --scope read', 'may look'],
    [
      'offhook token create --scope write --scope secrets --ttl 3600 --name import',
      'may change and reveal, for an hour',
    ],
  ],
  backup: [
    ['offhook backup offhook-backup --data /var/lib/offhook', 'everything but the master key, which is kept elsewhere'],
  ],
  restore: [['offhook restore offhook-backup --data /var/lib/offhook', 'with the master key beside it']],
  'lab cert': [
    [
      'offhook lab cert --mac 000e08a1b2c3 --serial FCH2305DMH0 --model CP-8851-3PCC --out box',
      'what the factory puts into a phone: box/cert.pem, box/key.pem, box/ca.pem',
    ],
  ],
}

/** Examples for all that have none, and the exit codes at the end of the main help. */
export function teach(program: Command): void {
  for (const [path, examples] of Object.entries(EXAMPLES)) {
    const command = find(program, path.split(' '))
    if (command !== undefined) addExamples(command, examples)
  }
  const codes = EXIT_CODES.map(([code, meaning]) => `  ${String(code).padEnd(4)}${meaning}`).join('\n')
  program.addHelpText(
    'after',
    `
Examples:
  $ offhook lint profile.xml --model CP-8851-3PCC
      what is wrong with a profile, before a phone has it
  $ offhook help lint
      all about one command
  $ source <(offhook completion bash)
      names and options by the Tab key

Results go to stdout, what is wrong goes to stderr. With --json stdout holds JSON and nothing else.

Exit codes:
${codes}`,
  )
}

function find(program: Command, path: readonly string[]): Command | undefined {
  return path.reduce<Command | undefined>((at, name) => at?.commands.find((each) => each.name() === name), program)
}
