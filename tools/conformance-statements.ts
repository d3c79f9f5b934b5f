/**
 * What a phone with Multiplatform firmware does, one statement a row: the rows of docs/conformance/mpp.md.
 * The clauses are those that code and tests cite as `MPP §n`.
 * How a test says which statement it shows stands in tools/conformance.ts.
 */
export interface Statement {
  /** The clause, a hyphen, and a name that is unique within the clause. */
  readonly id: string
  readonly text: string
  /** Why no test can show it for now; absent for what the product does. */
  readonly outOfScope?: string
}

export interface Clause {
  readonly number: string
  readonly title: string
  readonly statements: readonly Statement[]
}

/** A text, or a text with the reason why it is out of scope for now. */
type Row = string | readonly [text: string, outOfScope: string]

function clause(number: string, title: string, statements: Readonly<Record<string, Row>>): Clause {
  return {
    number,
    title,
    statements: Object.entries(statements).map(([name, row]) => {
      const id = `${number}-${name}`
      return typeof row === 'string' ? { id, text: row } : { id, text: row[0], outOfScope: row[1] }
    }),
  }
}

export const CLAUSES: readonly Clause[] = [
  clause('1.1', 'The profile document', {
    root: 'The root is `flat-profile`, alone or inside `device`.',
    'root-missing': 'A file without `flat-profile` is a failure, not an empty profile.',
    header: 'An XML header and other processing instructions are ignored.',
    comments: 'Comments are ignored.',
    charset: 'Text is UTF-8; a byte order mark is dropped; letters beyond ASCII are kept.',
    'case-sensitive': 'Element names are case-sensitive.',
    'gzip-by-content': 'A compressed file is known by its first bytes, not by its name.',
    'size-limit': 'A file above the configured size is refused.',
  }),
  clause('1.2', 'Element names', {
    'web-field': 'The name is that of the web field, with spaces, brackets, parentheses and slashes as underscores.',
    'hyphen-dot': 'Hyphens and dots of the field stay.',
    index: 'Elements of a line end in `_n_`, counted from 1 without padding.',
  }),
  clause('1.3', 'Attributes', {
    ua: '`ua` sets the access of the user account to `na`, `ro` or `rw`.',
    'ua-absent': 'Without `ua` the stored access stays.',
    'ua-not-admin': '`ua` never limits the admin account.',
    'preserve-value': '`preserve-value="y"` keeps the value and changes only the access.',
    'user-pref-keep': '`user-pref="y"` leaves alone what the user has modified.',
    'user-pref-reset':
      'Without `user-pref`, or with `n`, the value of the profile wins and the mark of the user is cleared.',
    'um-ignored': '`um` on input is ignored.',
    unknown: 'Unknown attributes, such as `group`, are ignored.',
  }),
  clause('1.4', 'From text to value', {
    escapes: 'Named and numeric character references are translated.',
    newlines: 'Line breaks in a value become spaces.',
    trim: 'Blanks around a value are dropped.',
    'type-check': 'A value is checked by the type of its parameter.',
    atomic: 'The values of one file take effect together, after the whole file was read.',
  }),
  clause('1.5', 'Empty elements', {
    'quotes-empty': 'Two quote characters as the value store the empty string.',
    'self-closing-rw': 'A self-closing element with `ua="rw"` or `preserve-value="y"` leaves the value as it is.',
    'empty-default': 'Any other empty element sets the default, which may be empty.',
    policy: 'The other readings of the guide can be chosen as a policy.',
    'import-of-export': 'Importing an export changes nothing.',
  }),
  clause('1.6', 'Unknown, repeated and absent elements', {
    unknown: 'Unknown elements are ignored and are no error.',
    'last-wins': 'Of a repeated element the last one counts.',
    'last-file-wins': 'Of several files in one run the last one counts.',
    absent: 'What a profile does not name keeps its value.',
    invalid: 'A value that its type does not allow is skipped; the run still succeeds.',
    malformed: 'A file that is not well-formed is refused as a whole.',
    'hash-comment': 'A rule that begins with `#` is commented out, where the policy says so.',
  }),
  clause('1.7', 'Aliases', {
    map: 'An alias map renames nested elements of the file to parameters.',
    'partial-path': 'Only as much of the nesting as the map names has to match.',
    limit: 'At most 30 parameters are renamed.',
  }),
  clause('1.8', 'Export of the configuration', {
    'one-a-line':
      'Every parameter stands on a line of its own, with its access, below comments that name the sections.',
    choices: 'A parameter with choices is followed by a comment that lists them.',
    secrets: 'Passwords are written as comments without their values.',
    'never-exported': 'The secret registers and the keying material of RFC 8188 never appear.',
  }),
  clause('2.1', 'Order of compression and encryption', {
    order: 'A file is compressed first and encrypted afterwards; a compressed file inside the encrypted one is found.',
    'not-reversed': 'A file that was encrypted first and compressed afterwards is not recognised.',
    'aes128gcm-first': 'A body marked `aes128gcm` is opened with the keying material, whatever the rule says.',
    'key-next': 'Otherwise a rule with `--key` opens the `Salted__` container.',
    'clear-with-key': 'A clear file under a rule with `--key` is a corrupt file, unless a switch allows it.',
    'content-coding': 'The gzip coding of HTTP itself is undone before.',
  }),
  clause('2.2', 'The container of openssl enc', {
    container: 'The file begins with `Salted__` and eight bytes of salt.',
    kdf: 'Key and initial vector come from one round of MD5 over phrase and salt.',
    sha256: 'SHA-256 in place of MD5 is the choice of newer tools.',
    padding: 'A wrong key or a damaged end is found by its padding.',
    'phrase-not-key': 'A key of hexadecimal digits is a phrase like any other.',
    openssl: 'What `openssl enc -aes-256-cbc -md md5` sealed opens, and the other way round.',
  }),
  clause('2.3', 'RFC 8188', {
    trigger: 'The header `Content-Encoding: aes128gcm` starts it.',
    derivation: 'Keys and nonces are derived as the RFC says; the vector of its section 3.1 opens.',
    records: 'Several records are read in order; a cut or reordered file is refused.',
    'ikm-encoding': 'Keying material is base64url of 16 bytes or more, otherwise the bytes of the text.',
    precedence: 'Without the header a rule with `--key` is AES-256-CBC, even if keying material is set.',
    reports: 'A report is sealed so when keying material is set and its rule has no `--key`.',
  }),
  clause('3.1', 'Macro syntax', {
    plain: '`$NAME` and `$(NAME)` are replaced by the value.',
    dollar: '`$$` is one dollar sign.',
    unknown: 'An unknown name stays as it is.',
    'not-recursive': 'What came out of a macro is not expanded again.',
    substring: '`$(NAME:p)` and `$(NAME:p:q)` take a part of the value.',
    'beyond-end': 'A part beyond the end is empty.',
    longest: 'Without parentheses the longest known name counts.',
    'gpp-alias': '`$GPP_A` means the same as `$A`.',
    secrets: '`$SA` to `$SD` are expanded only as arguments of `--key`, `--uid` and `--pwd`.',
  }),
  clause('3.2', 'Where macros count', {
    rules: 'They are expanded in profile, upgrade and report rules and in triggers.',
    logs: 'They are expanded in the texts of log messages.',
    assignments: 'They are expanded on the right of an assignment.',
    post: 'They are expanded in the register that `--post` sends.',
    'user-agent': 'They are expanded in the names of the HTTP and SIP user agents.',
  }),
  clause('3.3', 'Macro variables', {
    identity: '`MA`, `MAU`, `MAC`, `PN`, `PSN`, `SN`, `HWVER` and `SWVER` say who the phone is.',
    registers: '`A` to `P` are the general purpose registers.',
    certificate: '`CCERT` tells whether a client certificate is installed.',
    addresses: '`IP` is the local and `EXTIP` the external address.',
    'provisioning-state': '`PRVST` is -1 for a request, 0 at power-up, 1 for a timer and 2 for a retry.',
    'upgrade-state': '`UPGST` is 1 for a first attempt and 2 for a retry; `UPGERR` is the last error.',
    timers: '`PRVTMR` and `UPGTMR` count the seconds since the last attempt.',
    registration: '`REGTMR1` and `REGTMR2` count the seconds without registration, 0 while registered.',
    url: '`SCHEME`, `SERV`, `SERVIP`, `PORT` and `PATH` belong to the URL in progress.',
    error: '`ERR` is the text of the result.',
    line: '`UIDn`, `DISPLAYNAMEn` and `AUTHIDn` come from line n.',
    customised: '`ISCUST` is 1 once the phone was customised.',
  }),
  clause('4.1', 'Grammar of rules', {
    alternatives: 'Alternatives are tried from left to right until one has a true condition or none.',
    'none-true': 'When none applies, or the rule is empty, the rule is skipped and that is no failure.',
    'only-last-bare': 'Only the last alternative may stand without a condition.',
    order: 'A part is a condition, an assignment, options and a URL, in this order, each optional.',
    'assignment-first': 'The assignment happens before the download, whatever becomes of it.',
    'no-url': 'An alternative without a URL downloads nothing and is no failure.',
    'and-only': 'Conditions are joined by `and`; there is neither `or` nor nesting.',
    'upgrade-no-options': 'Upgrade rules take no options in brackets.',
    'report-two': 'A report rule holds at most two items.',
    'trigger-bare': 'A trigger is an expression without parentheses and question mark.',
    quotes: 'Only the straight quote delimits, unless the policy admits typographic ones.',
  }),
  clause('4.2', 'Comparison', {
    integers: 'Two integers compare by number with all six operators.',
    versions: 'Two versions compare with all six operators.',
    'strings-exact': 'Two quoted strings are equal or not, letter by letter.',
    'mixed-kinds':
      'Operands of different kinds, and an order of strings, are errors of format: the condition is false.',
    'swver-quoted': 'Quoted, `$SWVER` is compared whole, with the model.',
    'swver-bare': 'Unquoted, `$SWVER` is compared as a version, without the model.',
    'word-operators': 'Each operator has a spelling in letters, for use in XML.',
    legacy: 'A lone `!` and a missing left side are read in the old way, where the policy says so.',
  }),
  clause('4.3', 'Versions', {
    forms: 'Loads of both forms of name are read, with hyphens or dots and with trailing build text.',
    order: 'Major, minor, micro and build are compared in turn.',
    micro: 'Within a part leading digits count first, by number, then the letters.',
    examples: "The guide's two examples compare as it says.",
    'same-form': 'Texts that are no version of that form are an error of format.',
    hardware: 'Hardware revisions compare as integers with dots.',
  }),
  clause('4.4', 'Options', {
    key: '`--key` names the phrase that opens the file, or seals a report.',
    credentials: '`--uid` and `--pwd` answer a challenge, and beat the profile account.',
    post: '`--post x` sends the expanded register X by POST in place of GET.',
    alias: '`--alias x` renames elements by the map in register X.',
    srv: '`--srv` looks the host up by DNS SRV, for HTTP and HTTPS only.',
    several: 'Several options may share one bracket, and arguments may be quoted.',
    'report-only': '`--delta` and `--status` belong to report rules.',
  }),
  clause('4.5', 'URLs', {
    scheme: 'Without a scheme it is TFTP.',
    port: 'Without a port it is 69, 80 or 443.',
    'server-by-dhcp': 'Without a server a profile rule asks the one learned by DHCP.',
    'upgrade-server': 'An upgrade rule must name its server.',
    path: 'The path begins with a slash and may carry a query.',
    'no-server': 'With no server known the rule fails.',
    'every-address': 'The addresses of a host are tried until one answers.',
  }),
  clause('4.6', 'Discovery by DNS SRV', {
    names: 'A phone out of the box asks for the HTTPS and then the HTTP service of its domain.',
    order: 'The lower priority number goes first; weights as in RFC 2782.',
    file: 'The file asked for is that of the product series.',
  }),
  clause('4.7', 'gds', {
    code: 'A rule `gds://` asks for an activation code and downloads nothing.',
  }),
  clause('5.1', 'Parameters of the resync', {
    enable: '`Provision_Enable` = No blocks every resync.',
    'on-reset': '`Resync_On_Reset` decides about a resync at power-up; a reboot by new parameters does not count.',
    'random-delay': '`Resync_Random_Delay` counts units of 20 seconds; 0 is none.',
    at: 'A valid `Resync_At` takes the place of `Resync_Periodic`; an invalid one is ignored.',
    'at-random': 'The daily start is spread over the window, which is at least 600 seconds.',
    periodic: '`Resync_Periodic` is armed only after a success.',
    'error-retry': 'After a failure the next delay of `Resync_Error_Retry_Delay` is waited for; 0 never.',
    'fails-on-fnf': '`Resync_Fails_On_FNF` = No makes a missing file a success.',
    'later-rules': 'Rules B to D are evaluated even if `Profile_Rule` is empty.',
  }),
  clause('5.2', 'Lists of delays', {
    list: 'The k-th use takes the k-th element, and then the last one for ever.',
    random: '`n+r` adds a random part of at most r seconds.',
    off: '0, or nothing, switches it off.',
    restart: 'After a success the list of errors begins again.',
  }),
  clause('5.3', 'What causes a resync', {
    'power-up': 'Power-up, with state 0.',
    periodic: 'The periodic timer, with state 1.',
    retry: 'The retry after an error, with state 2.',
    upgrade: 'An upgrade attempt, also a failed one, if `Resync_After_Upgrade_Attempt` says so.',
    notify: 'A NOTIFY `resync`, with state -1.',
    'action-url': 'The command URL, with state -1.',
    display: 'The menu of the phone, with state -1.',
    'triggers-gate': 'Triggers hold back an automatic resync until one of them is true.',
    'triggers-explicit': 'Triggers do not hold back what was asked for.',
  }),
  clause('5.4', 'Only when idle', {
    'no-call': 'A resync that falls due during a call waits until all lines are on hook.',
    countdown: 'It then waits for a countdown, which a new call starts again.',
    bound: 'The wait has an end, after which the first idle moment is taken.',
    'never-interrupts': 'A call is never interrupted.',
  }),
  clause('5.5', 'The course of a run', {
    order: 'Profile_Rule, B, C and D are evaluated in turn.',
    'rule-at-its-turn': 'A rule is read at its turn, so that a file may redefine those after it.',
    'applied-between': 'A file is applied before the next rule is evaluated.',
    'first-failure': 'The first failure ends the run; the retry begins again with `Profile_Rule`.',
    'one-url': 'A run for one URL evaluates that URL alone, and does not change the rules.',
    'log-pair': 'Each file makes a message of request and one of success or failure.',
    after: 'After a success the timer is armed, the upgrade rule is evaluated, and the phone reboots if it must.',
    'prvtmr-attempt': '`PRVTMR` counts from the last attempt, successful or not.',
  }),
  clause('5.6', 'Classes of results', {
    success: 'A 2xx answer with a valid profile is a success.',
    redirect: '301 and 302 are followed at once and do not stick; hops are limited.',
    'other-3xx': 'Other 3xx answers are failures.',
    'client-server-errors': '4xx and 5xx answers wait for the error delay; `Retry-After` does not count.',
    unauthorized: '401 and 407 are tried again with credentials, twice at most.',
    'not-found': '404 and TFTP error 1 are "file not found".',
    corrupt: 'A corrupt file is a failure, whatever `Resync_Fails_On_FNF` says.',
    unreachable: 'A failure of connection, name or TLS waits for the error delay.',
    'no-conditions': 'Requests carry no conditions: every resync downloads.',
  }),
  clause('5.7', 'Reboot after new parameters', {
    'when-needed': 'Changes of system, SIP and line parameters reboot the phone, others take effect at once.',
    reasons: 'The last five reasons of reboots are kept, until a factory reset.',
  }),
  clause('5.8', 'States and what survives', {
    persists: 'Parameters, access, marks, customization state and reboot history survive a restart.',
    forgets: 'Timers since the last attempt and the place in the list of retries do not.',
  }),
  clause('6', 'Firmware upgrades', {
    enable: '`Upgrade_Enable` = No blocks the rule and the command URL.',
    when: 'The rule is evaluated after boot, after each resync, when it changes, and by its retry timer.',
    'same-load': 'The running load is not fetched again.',
    inactive: 'A load in the inactive partition is activated without a download.',
    retry: 'A failed attempt is tried again after `Upgrade_Error_Retry_Delay`.',
    'once-per-rule': 'No further attempt is made until the rule or its URL changes.',
    idle: 'It starts only when all lines are idle.',
    reboot: 'It ends with a reboot whose reason is `Upgrade`.',
    stages: 'Conditions on `$SWVER` lead over intermediate loads.',
    downgrade: 'A load below `Downgrade_Rev_Limit` is refused.',
    parts: 'The `.loads` file comes first, then the parts that it names, from the same folder.',
    transports: 'TFTP, HTTP and HTTPS serve alike.',
  }),
  clause('7.1', 'Accounts of the web server', {
    names: 'The accounts are `admin` and `user`.',
    'no-password': 'Without a password pages open without a question.',
    digest: 'With a password the phone asks by digest.',
    'user-access': 'The user account sees what `ua` lets it see, and changes what is `rw`.',
  }),
  clause('7.2', 'Switches of the web server', {
    server: '`Enable_Web_Server` = No closes it altogether.',
    admin: '`Enable_Web_Admin_Access` = No hides the admin pages.',
    'action-urls': '`Enable_Direct_Action_Url` = No disables the command URLs.',
    domains: '`Restricted_Access_Domains` refuses resync, upgrade, report and registration towards other hosts.',
  }),
  clause('7.3', 'Command URLs', {
    resync: '`/admin/resync?URL` runs that URL once; without one, the rules.',
    upgrade: '`/admin/upgrade?URL` upgrades when idle.',
    reboot: '`/admin/reboot` reboots at once.',
    'factory-reset': '`/admin/factory-reset` is refused while not idle.',
    verbatim: 'What stands after the question mark is taken as it is, with further question marks and ampersands.',
    suffix: 'Credentials may stand at the end as `&xuser=` and `&xpassword=`.',
    export: '`cfg.xml` gives the configuration.',
  }),
  clause('7.4', 'Status pages', {
    product: 'They name product, serial number, versions, MAC, certificate and customization state.',
    history: 'They keep the last three results of provisioning and of upgrades, newest first.',
    reboots: 'They keep five reboot reasons with their times.',
    times: 'Their times are by the clock of the phone; the messages on the display are in UTC.',
  }),
  clause('7.5', 'Provisioning from the keypad', {
    'profile-rule': 'A rule typed at the phone is run at once.',
    aborted: 'Before `Acquired` it ends remote customization.',
  }),
  clause('7.6', 'The profile account', {
    'rule-first': 'Credentials of the rule are used alone, even when they are wrong.',
    prompt: 'Otherwise the phone asks its user, or does not, by `Profile_Authentication_Type`.',
  }),
  clause('8', 'SIP NOTIFY', {
    resync: '`resync` starts one, if `Resync_From_SIP` allows it.',
    'resync-profile': '`resync` may name the profile to fetch.',
    reboot: '`reboot_now` and `restart_now` restart the phone.',
    report: '`report` sends a report, once.',
    'factory-reset': '`factory-reset` waits until idle.',
    unknown: 'Other events are refused with 489.',
    challenge:
      'With `Auth_Resync-Reboot_n_` = Yes the phone challenges, and accepts only the credentials of that line.',
    'non-proxy': '`Block_Nonproxy_SIP` drops what does not come from the proxy.',
  }),
  clause('9.1', 'Customization states', {
    open: 'A new phone is `Open`.',
    aborted: 'Another source of configuration makes it `Aborted`; the redirect server is not asked again.',
    pending: 'While the redirect server is asked it is `Pending`, with its answer `Custom-Pending`.',
    acquired: 'When the target was fetched it is `Acquired`, for good until a factory reset.',
    unavailable: 'An empty answer makes it `Unavailable`.',
  }),
  clause('9.2', 'Asking the redirect server', {
    request: 'The request names MAC, serial number, product, firmware and origin in its query.',
    owned: 'The answer for an owned phone sets `Profile_Rule`.',
    unowned: 'The answer for a phone of nobody is 200 and empty.',
    unreachable: 'An error is tried again by the list of delays.',
    next: 'The new rule is run at once.',
  }),
  clause('9.3', 'Order of sources', {
    order: 'A blank phone takes DHCP, then DNS SRV, then the redirect server.',
    'dhcp-fails': "When the profile of DHCP's server cannot be fetched, the redirect server is asked.",
  }),
  clause('10.1', 'DHCP options', {
    'order-of-options': 'The first option of `DHCP_Option_To_Use` that the lease holds counts.',
    'bare-host': 'A bare host means TFTP with the path of the rule.',
    'base-url': 'A URL without a path is the base of the path of the rule.',
    'full-url': 'A URL with a path is used whole.',
    'named-server': 'A rule that names its server ignores DHCP.',
    'address-list': 'Option 150 is a list of addresses.',
    'url-list': 'A URL may be a list of servers, and two slashes at its end count as one.',
    dhcpv6: 'DHCPv6 has 159 and 160 as well, and `DHCPv6_Option_To_Use` is their order.',
    network: 'The lease also gives router, name servers, domain and time servers.',
    vlan: 'Option 132, or the one of `DHCP_VLAN_Option`, holds the voice VLAN.',
  }),
  clause('10.2', 'What the phone says in DHCP', {
    'vendor-class': 'Option 60 is the product name.',
    'vendor-class-acs': 'It also holds `dslforum.org` while the phone looks for an ACS.',
    'host-name': 'Option 12 is `SEP` and the MAC.',
    asked: 'Option 55 asks for what the phone uses.',
  }),
  clause('10.3', 'TR-069 options', {
    'option-43': 'Option 43 may hold the URL of an ACS and its settings, for who says `dslforum.org`.',
    'option-125': 'Option 125 may hold the same, and names the gateway.',
  }),
  clause('10.4', 'SCEP in option 43', {
    layout: 'Option 43 of a phone after factory reset may hold the settings of SCEP.',
    'factory-only': 'Only a factory-reset phone looks at them.',
    size: 'They have at most 255 bytes.',
  }),
  clause('11.1', 'HTTP requests', {
    'user-agent': 'The user agent names product, version and MAC, and can be changed by `HTTP_User_Agent_Name`.',
    headers: 'Requests carry the headers that were seen on the wire.',
  }),
  clause('11.2', 'TLS', {
    subject: 'The certificate of a phone names product, serial number and MAC, in the old or the new form.',
    'name-check': 'The name of the server is compared with its certificate.',
    'custom-ca': '`Custom_CA_Rule` fetches a further CA; the status page tells how it went.',
    scep: [
      'A certificate of the customer comes by SCEP.',
      'the virtual phone shows what DHCP says of SCEP; it keeps the certificate of its maker and enrols for no other',
    ],
  }),
  clause('11.3', 'Authentication', {
    'first-without': 'The first request carries no credentials.',
    'basic-digest': 'Basic and digest challenges are answered, twice at most.',
  }),
  clause('12.1', 'Syslog', {
    texts: 'The texts of the messages are parameters with macros; an empty one sends nothing.',
    identifier: '`Syslog_Identifier` puts a name of the phone after the time.',
    level: '`Debug_Level` keeps lesser messages back.',
  }),
  clause('12.2', 'Reports', {
    full: 'A rule without options sends all parameters but secrets.',
    delta: '`--delta` sends what changed since the last report.',
    status: '`--status` sends the status.',
    method: '`HTTP_Report_Method` chooses POST or PUT; TFTP writes the file.',
    when: '`Report_To_Server` sends on request, after local changes, or by a timer.',
    sealed: '`--key` seals the report in the container of profiles.',
  }),
  clause('12.3', 'Problem reports', {
    upload: 'A problem report is uploaded as a form to `PRT_Upload_Rule`.',
    settings: 'Method, name and one more header can be set.',
    refused: 'The display tells an empty rule from a wrong one.',
    timer: '`PRT_Max_Timer` sends reports without being asked.',
  }),
]

/**
 * Clauses that must have a test at least: all of them.
 * The check is in tools/conformance.test.ts.
 */
export const ENFORCED_CLAUSES: readonly string[] = CLAUSES.map(({ number }) => number)
