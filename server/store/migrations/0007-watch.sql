-- Breaks older releases: no
-- Alarms, canaries and the measured capacity.

create table alarm (
  id text primary key,
  seq bigint generated always as identity unique,
  kind text not null check (kind in ('silence', 'loop', 'unknown-macs', 'canary', 'overload')),
  subject text not null,              -- what it is about: a MAC, a network, 'account/<id>', '-' for the whole platform
  mac text,
  account_id text,
  state text not null default 'open' check (state in ('open', 'acknowledged', 'cleared')),
  count integer not null default 1,   -- how often it was seen since it was raised
  data jsonb not null default '{}',
  raised_at timestamptz not null,
  last_at timestamptz not null,
  acknowledged_at timestamptz,
  acknowledged_by text,
  cleared_at timestamptz
);
-- One alarm for one thing: what goes on is counted, not raised again.
create unique index alarm_standing on alarm (kind, subject) where state <> 'cleared';
create index alarm_account on alarm (account_id, seq desc);
create index alarm_mac on alarm (mac) where mac is not null;
create index alarm_cleared on alarm (cleared_at) where cleared_at is not null;

-- MACs that no phone has: whoever names one is searching.
create table canary (
  mac text primary key check (mac ~ '^[0-9a-f]{12}$'),
  note text not null default '',
  created_by text not null,
  created_at timestamptz not null default now()
);

-- Seconds after which a device should be back, where its profile says otherwise than the platform; 0: it never comes by itself.
create table watch_period (
  mac text primary key references device (mac) on delete cascade,
  period_seconds bigint not null,
  updated_at timestamptz not null
);

-- Full downloads of devices, by ten minutes; kept for two hours.
create table watch_download (
  mac text not null references device (mac) on delete cascade,
  slot timestamptz not null,
  total integer not null,
  power integer not null,
  periodic integer not null,
  retry integer not null,
  commanded integer not null,
  unmatched integer not null,
  primary key (mac, slot)
);
create index watch_download_slot on watch_download (slot);

-- Work that one process at a time does, and when it was last done.
create table watch_turn (
  name text primary key,
  done_at timestamptz not null,
  since timestamptz not null          -- without a longer pause than a few minutes
);

-- What each process can do, was asked to find out, and does just now.
create table capacity (
  process text primary key,
  asked_at timestamptz,
  measured_at timestamptz,
  measured jsonb,                     -- {handshakesPerSecond, resumedPerSecond, requestsPerSecond, rendersPerSecond}
  at timestamptz not null,
  now jsonb not null
);
