-- Breaks older releases: no
-- What was asked of phones, and what came of it.

-- The proxy that carries our NOTIFY: one for the platform ('-'), and one for any account and all below it.
create table sip_proxy (
  scope text primary key,
  host text not null,
  port integer not null check (port between 1 and 65535),
  transport text not null check (transport in ('UDP', 'TCP')),
  user_name text,
  password bytea,                     -- sealed
  per_second integer not null default 20 check (per_second between 1 and 1000),
  updated_at timestamptz not null default now()
);

-- When the next one may go, by proxy (its scope) or 'url': all processes share one pace.
create table action_pace (
  key text primary key,
  next_at timestamptz not null
);

create table action (
  id text primary key,
  seq bigint generated always as identity unique,
  bulk_id text,
  mac text not null references device (mac) on delete cascade,
  account_id text,
  kind text not null check (kind in ('resync', 'reboot', 'restart', 'report')),
  via text not null check (via in ('sip', 'url')),
  pace_key text not null,             -- scope of its sip_proxy, or 'url'
  profile text,                       -- resync to this URL only
  state text not null default 'queued' check (state in ('queued', 'sent', 'challenged', 'accepted', 'came-back',
    'runs-version', 'failed', 'timed-out', 'cancelled')),
  who text not null,
  due_at timestamptz not null,
  deadline_at timestamptz not null,
  leased_by text,                     -- the process that carries it out, until lease_until
  lease_until timestamptz,
  tries integer not null default 0,
  asked_at timestamptz,               -- when the request went out that the phone accepted
  checked_at timestamptz,             -- its fetches up to here were looked at
  ended_at timestamptz,
  steps jsonb not null default '[]',  -- [{at, state, text}]
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index action_mac on action (mac, seq desc);
create index action_bulk on action (bulk_id, seq desc) where bulk_id is not null;
create index action_due on action (pace_key, due_at) where ended_at is null and asked_at is null;
create index action_followed on action (mac) where ended_at is null and asked_at is not null;
create index action_deadline on action (deadline_at) where ended_at is null;
create index action_ended on action (ended_at) where ended_at is not null;

-- Who tells us which lines are registered.
create table registrar_feed (
  id text primary key check (id = '-'),
  kind text not null check (kind in ('kamailio')),
  url text not null,
  domains boolean not null,           -- whether its addresses of record have a domain: user@domain
  per_second integer not null check (per_second between 1 and 1000),
  updated_at timestamptz not null default now()
);

-- What the registrar said last, by line.
create table registration (
  line_id text primary key references line (id) on delete cascade,
  registered boolean,                 -- null: not asked yet
  contact text,
  user_agent text,
  expires_at timestamptz,
  asked_at timestamptz not null,      -- a process has taken it in hand
  seen_at timestamptz,                -- when the registrar answered
  changed_at timestamptz
);
create index registration_asked on registration (asked_at);
