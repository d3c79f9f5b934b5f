-- Breaks older releases: no
-- TR-069: what each phone told us of itself, what was asked of it, and what came of it.

-- One small row per phone: an idle Inform reads and writes this row and nothing else.
create table acs_state (
  mac text primary key references device (mac) on delete cascade,
  first_at timestamptz not null,
  last_at timestamptz not null,
  last_from text not null,
  secure boolean not null,            -- over TLS, proved by certificate or by its own password
  manufacturer text not null,
  oui text not null,
  product_class text not null,
  software text,
  root text not null,                 -- where its tree begins, with the dot
  namespace text not null,            -- URN of CWMP in its last Inform
  parameter_key text,
  connection_request_url text,
  inform_hash text not null,          -- of the values in its last Inform
  events text[] not null default '{}',-- of its last Inform
  tree_at timestamptz,                -- when its tree was read whole; null: not since its last bootstrap
  in_step text,                       -- the wished state that it was brought to
  config_version text,                -- the configuration file that it has taken
  ca_version text,
  batch_max integer not null default 64 check (batch_max between 1 and 1000),
  refused jsonb not null default '{}',-- path: {mac, code, text, at}; mac is of the value that it refused
  inform_seconds integer,             -- its interval as we set it
  traced_until timestamptz,
  wake_at timestamptz,                -- when it was last asked to call
  wake_way text,
  wake_from timestamptz               -- since when something waits for it
);

create table acs_parameter (
  mac text not null references device (mac) on delete cascade,
  path text not null,
  type text,                          -- xsi:type as last reported
  writable boolean,
  value text,                         -- null: not read, or a secret
  notification smallint,
  sent_mac text,                      -- keyed hash of the secret that we last wrote
  at timestamptz not null,
  primary key (mac, path)
);

create table acs_task (
  id text primary key,
  seq bigint generated always as identity unique,
  mac text not null references device (mac) on delete cascade,
  account_id text,
  kind text not null check (kind in ('get-values', 'get-names', 'set-values', 'set-attributes', 'add-object',
    'delete-object', 'reboot', 'factory-reset', 'download')),
  asked bytea,                        -- sealed: its arguments; null once it has ended
  shown jsonb not null,               -- the same without secrets
  command_key text not null,
  state text not null default 'queued' check (state in ('queued', 'sent', 'waiting', 'done', 'failed', 'expired',
    'cancelled')),
  who text not null,
  tries integer not null default 0,
  due_at timestamptz not null,
  deadline_at timestamptz not null,
  sent_at timestamptz,
  ended_at timestamptz,
  fault jsonb,                        -- {code, text}
  result jsonb,
  created_at timestamptz not null
);
create index acs_task_mac on acs_task (mac, seq desc);
create index acs_task_open on acs_task (mac, seq) where ended_at is null;
create index acs_task_deadline on acs_task (deadline_at) where ended_at is null;
create index acs_task_ended on acs_task (ended_at) where ended_at is not null;

-- Messages of phones under trace, without secrets.
create table acs_message (
  id bigint generated always as identity primary key,
  mac text not null references device (mac) on delete cascade,
  session text not null,
  at timestamptz not null,
  sender text not null check (sender in ('CPE', 'ACS')),
  kind text not null,                 -- name of the method, Fault or empty
  text text not null
);
create index acs_message_mac on acs_message (mac, id desc);

-- Devices that proved who they are and that nobody has registered.
create table acs_unknown (
  mac text primary key,
  serial text not null,
  manufacturer text not null,
  product_class text not null,
  ca text not null,                   -- fingerprint of the authority that vouched for it
  first_at timestamptz not null,
  last_at timestamptz not null,
  last_from text not null
);
