-- Breaks older releases: no
-- Certificates of the server, and entries at the vendor’s redirect service.

-- What was entered at the vendor's redirect service by hand: sealed phones ask there.
create table rc_entry (
  mac text primary key references device (mac) on delete cascade,
  rule text not null,                 -- the profile rule as it was entered
  entered_at timestamptz not null default now(),
  entered_by text not null
);

-- The first request that proved who sent it.
alter table device_seen add column first_at timestamptz;
update device_seen set first_at = believed_at;

-- Certificates of the server beside those given as files: signed elsewhere from a request of ours, uploaded, or by ACME.
create table server_certificate (
  id text primary key,
  source text not null check (source in ('csr', 'upload', 'acme')),
  hosts text[] not null,
  csr text,                           -- while it waits to be signed, and after
  chain text,                         -- PEM, the server's own first; null while it waits
  phone_ca text,                      -- PEM that phones learn by Custom_CA_Rule; null: they know the root
  private_key bytea not null,         -- sealed
  not_before timestamptz,
  not_after timestamptz,
  in_force boolean not null default false,
  created_by text not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
create unique index server_certificate_in_force on server_certificate (in_force) where in_force;

-- Whom we ask for certificates, and how that goes.
create table acme (
  id text primary key check (id = '-'),
  directory text not null,
  email text,
  hosts text[] not null,
  ca text,                            -- PEM of a private authority's root: trusted there, and served to phones
  account_key bytea not null,         -- sealed
  account_url text,
  last_error text,
  failures integer not null default 0, -- in a row
  tried_at timestamptz,
  next_at timestamptz not null default now(),
  lease text,                         -- whose turn it is
  leased_until timestamptz not null default '-infinity'
);

-- Ends that were told of, so that each is told once.
create table certificate_warning (
  fingerprint text not null,
  days integer not null,
  told_at timestamptz not null default now(),
  primary key (fingerprint, days)
);

-- What the authority asks for over HTTP; any process answers.
create table acme_challenge (
  token text primary key,
  answer text not null,
  created_at timestamptz not null default now()
);
