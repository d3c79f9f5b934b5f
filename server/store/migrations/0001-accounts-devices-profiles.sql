-- Breaks older releases: no
-- The first schema.
-- Names are singular. Times are timestamptz. Sealed columns hold AES-256-GCM under the master key, which is never stored here.

create table platform_secret (
  name text primary key,              -- 'key-check' | 'marker-key' | 'code-key' | 'server-ca' | 'server-certificate'
  sealed bytea not null,
  created_at timestamptz not null default now()
);

create table account (
  id text primary key,
  parent_id text references account (id),
  kind text not null default 'customer' check (kind in ('operator', 'reseller', 'customer')),
  name text not null,
  customer_id text not null unique check (customer_id ~ '^[A-Za-z0-9_-]{4,64}$'),
  settings jsonb not null default '{}',
  created_at timestamptz not null default now()
);

create table device (
  mac text primary key check (mac ~ '^[0-9a-f]{12}$'),
  serial text not null,
  model text not null,
  account_id text references account (id),
  held_account_id text references account (id),
  state text not null check (state in ('known', 'held', 'bound', 'released', 'disabled')),
  pinned_ca text,                     -- SHA-256 fingerprint of the device CA it first proved itself with
  profile_path text not null unique check (profile_path ~ '^[0-9a-f]{32}$'),
  key_issued integer not null default 0,
  key_confirmed integer not null default 0,
  farewell_owed boolean not null default false,
  served_version text,
  running_version text,
  created_at timestamptz not null default now(),
  bound_at timestamptz
);
create index device_account on device (account_id);

-- What was merely seen; written in batches, never read by a decision.
create table device_seen (
  mac text primary key references device (mac) on delete cascade,
  believed_at timestamptz,
  believed_from text,
  firmware text,
  cause text,
  registration_seconds integer,
  claimed_at timestamptz,
  claimed_from text,
  product text
);

create table device_secret (
  mac text not null references device (mac) on delete cascade,
  name text not null,                 -- 'profile-key' | 'admin-password' | 'user-password' | 'uid-password'
  generation integer not null default 1,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  primary key (mac, name, generation)
);

create table line (
  id text primary key,
  account_id text not null references account (id),
  user_id text not null,
  display_name text not null default '',
  domain text not null,
  auth_id text,
  outbound_proxy text,
  transport text,
  password bytea not null,
  password_generation integer not null default 1,
  device_mac text references device (mac),
  line_index integer,
  created_at timestamptz not null default now(),
  created_order bigint generated always as identity,
  unique (device_mac, line_index),
  unique (account_id, domain, user_id)
);
create index line_account on line (account_id);

create table code (
  id text primary key,
  hash bytea not null unique,         -- SHA-256 of the code; the code itself is never stored
  account_id text not null references account (id),
  line_ids text[] not null default '{}',
  devices integer not null default 1 check (devices between 1 and 1000),
  expires_at timestamptz not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);
create table code_use (
  code_id text not null references code (id),
  mac text not null,
  at timestamptz not null default now(),
  primary key (code_id, mac)
);

create table enrolment_window (
  id text primary key,
  account_id text not null references account (id),
  opened_from text not null,
  opened_at timestamptz not null default now(),
  until timestamptz not null,
  devices integer not null check (devices between 1 and 10000),
  used integer not null default 0
);
create index enrolment_window_account on enrolment_window (account_id, until);

create table revision (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  who text not null,
  scope text not null,                -- 'layer/account', 'account', 'line', 'device', …
  target text not null,
  what text not null,
  why text,
  before jsonb,
  after jsonb
);

create table layer (
  scope text not null check (scope in ('platform', 'provider', 'model', 'account', 'device')),
  id text not null,
  parameters jsonb not null,          -- {Element: {value | sealed (base64), ua?, preserve?, userPref?}}
  revision_id bigint not null references revision (id),
  updated_at timestamptz not null default now(),
  primary key (scope, id)
);

create table device_ca (
  fingerprint text primary key,       -- SHA-256, lower-case hex
  name text not null,
  kind text not null check (kind in ('vendor', 'lab')),
  pem text not null,
  models text[] not null default '{}',-- product name patterns that it speaks for; empty: all
  private_key bytea,                  -- sealed; lab CA only
  created_at timestamptz not null default now(),
  removed_at timestamptz
);

create table firmware (
  name text primary key,
  sha256 text not null,
  byte_count bigint not null,
  created_at timestamptz not null default now()
);

create table report (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  mac text,
  kind text not null,                 -- 'full' | 'delta' | 'status' | 'unknown'
  trust text not null,                -- 'certified' | 'credentialed' | 'sealed' | 'claimed'
  peer text not null,
  byte_count integer not null,
  sealed bytea not null
);
create index report_mac on report (mac, at desc);

create table token (
  id text primary key,
  hash bytea not null unique,
  name text not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz
);

-- Append only; one partition a day, made ahead and dropped after the retention.
create table event (
  id bigint generated always as identity,
  at timestamptz not null default now(),
  name text not null,
  trust text not null,                -- 'certified' | 'credentialed' | 'sealed' | 'claimed' | 'operator' | 'system'
  mac text,
  account_id text,
  peer text,
  data jsonb not null default '{}',
  primary key (id, at)
) partition by range (at);
create index event_mac on event (mac, id desc);
create index event_account on event (account_id, id desc);
create table event_default partition of event default;

create function keep_event_partitions(retention_days integer) returns void language plpgsql as $$
declare
  day date;
  part record;
begin
  perform pg_advisory_xact_lock(727001);
  for day in select generate_series(current_date, current_date + 1, interval '1 day')::date loop
    if to_regclass('event_' || to_char(day, 'YYYYMMDD')) is null
       and not exists (select 1 from event_default where at >= day and at < day + 1) then
      execute format('create table %I partition of event for values from (%L) to (%L)',
                     'event_' || to_char(day, 'YYYYMMDD'), day, day + 1);
    end if;
  end loop;
  for part in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
               where i.inhparent = 'event'::regclass and c.relname ~ '^event_[0-9]{8}$'
                 and to_date(substr(c.relname, 7), 'YYYYMMDD') < current_date - retention_days loop
    execute format('drop table %I', part.relname);
  end loop;
  delete from event_default where at < current_date - retention_days;
end
$$;
