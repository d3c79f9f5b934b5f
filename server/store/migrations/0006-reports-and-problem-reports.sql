-- Breaks older releases: no
-- What phones report: whose a report was, what all of them together say, drift, problem reports, and who logs by which name.

alter table report add column account_id text;
alter table report add column firmware text;
alter table report add column problem text;         -- why it could not be read
update report r set account_id = d.account_id from device d where d.mac = r.mac;

-- The last full report with the deltas since then laid over it; sealed like reports.
create table device_reported (
  mac text primary key references device (mac) on delete cascade,
  account_id text,                    -- whose device it was: another account never sees it
  at timestamptz not null,
  full_at timestamptz,
  sealed bytea not null
);

-- Where a device differed from what was wanted when it last reported. Names only, no values.
create table device_drift (
  mac text primary key references device (mac) on delete cascade,
  account_id text,
  at timestamptz not null,
  count integer not null,             -- without what the profile leaves to the user
  elements jsonb not null default '{}' -- {Element: since, in milliseconds}
);
create index device_drift_some on device_drift (mac) where count > 0;

create table problem_report (
  id text primary key,                -- also the name of the file
  mac text not null references device (mac) on delete cascade,
  account_id text,
  at timestamptz not null default now(),
  trust text not null,                -- 'certified' | 'credentialed' | 'claimed'
  peer text not null,
  name text not null,                 -- as the phone named it
  byte_count bigint not null,
  sha256 text not null
);
create index problem_report_mac on problem_report (mac, at desc);
create index problem_report_at on problem_report (at);

-- A log line names its phone by MAC, by serial number, or by its address alone.
create index device_serial on device (serial);
create index device_seen_from on device_seen (believed_from);
