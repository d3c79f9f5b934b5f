/** `offhook completion`: the Tab key knows commands, options and their choices, from the tree of commands itself. */
import type { Command, Option } from 'commander'
import { addExamples } from './examples.ts'
import { usageProblem } from './exit-codes.ts'

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

export function registerCompletionCommand(program: Command): void {
  const names = Object.keys(SHELLS)
  const command = program
    .command('completion')
    .description('Print a script that completes names and options in a shell')
    .argument('<shell>', names.join(', '))
    .action((shell: string) => {
      const script = Object.entries(SHELLS).find(([name]) => name === shell)?.[1]
      if (script === undefined)
        throw usageProblem(`there is no completion for "${shell}"; expected ${names.join(', ')}`)
      process.stdout.write(script(treeOf(program)))
    })
  addExamples(command, [
    ['source <(offhook completion bash)', 'for this bash; put the line into ~/.bashrc for all'],
    ['offhook completion zsh > ~/.zfunc/_offhook', 'zsh, in a folder of its $fpath'],
    ['offhook completion fish > ~/.config/fish/completions/offhook.fish', 'fish'],
  ])
}

/** One command as completion sees it. */
interface Node {
  /** Names from the program on, e.g. `token create`; empty for the program itself. */
  readonly path: string
  readonly about: string
  readonly commands: readonly string[]
  /** Choices of its arguments; files may follow them. */
  readonly choices: readonly string[]
  readonly options: readonly NodeOption[]
}

interface NodeOption {
  readonly flags: readonly string[]
  readonly about: string
  readonly takes: 'nothing' | 'anything' | 'file' | readonly string[]
}

function treeOf(command: Command, path: readonly string[] = []): readonly Node[] {
  const help: NodeOption = { flags: ['-h', '--help'], about: 'help', takes: 'nothing' }
  const commands = command.commands.map((each) => each.name())
  const own: Node = {
    path: path.join(' '),
    about: command.description(),
    commands: path.length === 0 ? [...commands, 'help'] : commands,
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    options: [...command.options.map(optionOf), help],
  }
  return [own, ...command.commands.flatMap((each) => treeOf(each, [...path, each.name()]))]
}

function optionOf(option: Option): NodeOption {
  const flags = [option.short, option.long].flatMap((flag) => flag ?? [])
  return { flags, about: option.description, takes: takenBy(option) }
}

function takenBy(option: Option): NodeOption['takes'] {
  if (option.argChoices !== undefined) return option.argChoices
  if (!option.required && !option.optional) return 'nothing'
  return /<(?:file|dir|folder|path)(?:\.\.\.)?>/.test(option.flags) ? 'file' : 'anything'
}

/** Text inside single quotes of a shell; none of ours holds one, but a description might. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function wordsOf(node: Node): { readonly commands: string; readonly choices: string; readonly flags: string } {
  const { commands, choices } = node
  return {
    commands: commands.join(' '),
    choices: choices.join(' '),
    flags: node.options.flatMap(({ flags }) => flags).join(' '),
  }
}

/** `case` patterns `path/--flag` of the options that take a value. */
function valueCases(tree: readonly Node[], put: (words: readonly string[]) => string, file: string): string {
  const cases = tree.flatMap(({ path, options }) =>
    options.flatMap(({ flags, takes }) => {
      if (takes === 'nothing') return []
      const action = takes === 'file' ? file : takes === 'anything' ? ':' : put(takes)
      return [`    ${flags.map((flag) => quoted(`${path}/${flag}`)).join('|')}) ${action}; return ;;`]
    }),
  )
  return cases.join('\n')
}

function pathCases(tree: readonly Node[]): string {
  const patterns = tree.filter(({ path }) => path !== '').map(({ path }) => quoted(path))
  return patterns.join('|')
}

function bashScript(tree: readonly Node[]): string {
  const words = (list: readonly string[]): string => `COMPREPLY=($(compgen -W ${quoted(list.join(' '))} -- "$current"))`
  const nodes = tree.map((node) => {
    const { commands, choices, flags } = wordsOf(node)
    return `    ${quoted(node.path)}) commands=${quoted(`${commands}${choices}`)}; flags=${quoted(flags)} ;;`
  })
  return `# Completion of offhook for bash. Where it has nothing to say, bash offers files.
_offhook() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" at='' next commands='' flags='' index
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    next="\${at:+$at }\${COMP_WORDS[index]}"
    case "$next" in
      ${pathCases(tree)}) at="$next" ;;
    esac
  done
  case "$at/$before" in
${valueCases(tree, words, 'COMPREPLY=($(compgen -f -- "$current"))')}
  esac
  case "$at" in
${nodes.join('\n')}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$commands" -- "$current")) ;;
  esac
}
complete -o bashdefault -o default -F _offhook offhook
`
}

function zshScript(tree: readonly Node[]): string {
  const words = (list: readonly string[]): string => `compadd -- ${list.map(quoted).join(' ')}`
  const nodes = tree.map((node) => {
    const { commands, choices, flags } = wordsOf(node)
    return `    ${quoted(node.path)}) commands=(${commands}); choices=(${choices}); flags=(${flags}) ;;`
  })
  return `#compdef offhook
# Completion of offhook for zsh.
_offhook() {
  local current="$words[CURRENT]" before="$words[CURRENT-1]" at='' next
  local -a commands choices flags
  integer index
  for ((index = 2; index < CURRENT; index++)); do
    next="\${at:+$at }$words[index]"
    case "$next" in
      ${pathCases(tree)}) at="$next" ;;
    esac
  done
  case "$at/$before" in
${valueCases(tree, words, '_files')}
  esac
  case "$at" in
${nodes.join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    compadd -- $flags
  elif (( $#commands )); then
    compadd -- $commands
  else
    (( $#choices )) && compadd -- $choices
    _files
  fi
}
if [[ "$funcstack[1]" == _offhook ]]; then _offhook "$@"; else compdef _offhook offhook; fi
`
}

function fishScript(tree: readonly Node[]): string {
  const lines = tree.flatMap((node) => {
    const seen = node.path.split(' ').filter((name) => name !== '')
    const here = seen.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ')
    const inside = here === '' ? '__fish_use_subcommand' : here
    const commands = node.commands.map((name) => {
      const about = tree.find(({ path }) => path === [...seen, name].join(' '))?.about ?? 'all about a command'
      return `complete -c offhook -f -n ${quoted(inside)} -a ${name} -d ${quoted(about)}`
    })
    const choices = node.choices.map((word) => `complete -c offhook -n ${quoted(inside)} -a ${word}`)
    return [...commands, ...choices, ...node.options.map((option) => fishOption(option, inside))]
  })
  return `# Completion of offhook for fish.\n${lines.join('\n')}\n`
}

function fishOption({ flags, about, takes }: NodeOption, inside: string): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ')
  const value =
    takes === 'nothing'
      ? ''
      : takes === 'file'
        ? ' -r'
        : takes === 'anything'
          ? ' -x'
          : ` -x -a ${quoted(takes.join(' '))}`
  return `complete -c offhook -n ${quoted(inside)} ${names}${value} -d ${quoted(about)}`
}
