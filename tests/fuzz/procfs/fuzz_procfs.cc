// The text of a file of /proc, in which a program has chosen the names.
#include <array>

#include "tests/fuzz/fuzz.h"
#include "tracer/procfs/credentials.h"
#include "tracer/procfs/fdinfo.h"
#include "tracer/procfs/lineage.h"
#include "tracer/procfs/net_tables.h"
#include "tracer/procfs/sched.h"
#include "tracer/procfs/smaps.h"
#include "tracer/procfs/stat.h"
#include "tracer/procfs/timers.h"

namespace {

using namespace llrun::tracer;
using llrun::fuzz::Counter;

Counter understood("understood");
Counter refused("refused", true);
constexpr std::uint64_t kInode = 4711;

void count(bool well) { ++(well ? understood : refused); }

void read_maps_text(std::string_view text) {
  const auto maps = parse_maps(text);
  count(maps.has_value());
  if (!maps) return;
  for (const auto& entry : *maps) {
    llrun::fuzz::touch(entry.name);
    (void)entry.has_flag("gd");
  }
}

void read_inet(std::string_view text) {
  const auto found = find_inet_socket(text, kInode);
  count(found.has_value());
  if (found) llrun::fuzz::touch(found->local + found->remote);
}

void read_timers(std::string_view text) {
  const auto timers = parse_posix_timers(text);
  count(timers.has_value());
  if (!timers) return;
  for (const auto& timer : *timers) (void)why_not_carried(timer);
}

using Reader = void (*)(std::string_view);
constexpr std::array<Reader, 9> kReaders = {
    read_maps_text,
    [](std::string_view text) { count(parse_stat(text).has_value()); },
    [](std::string_view text) { count(parse_lineage(text).has_value()); },
    [](std::string_view text) { count(parse_credentials(text).has_value()); },
    [](std::string_view text) { count(parse_fdinfo(text).has_value()); },
    read_inet,
    [](std::string_view text) {
      count(find_unix_socket(text, kInode).has_value());
      (void)lists_inode(text, kInode);
    },
    read_timers,
    [](std::string_view text) { count(parse_exec_start(text).has_value()); },
};

constexpr std::array<const char*, kReaders.size()> kSeeds = {
    "55d0c0000000-55d0c0021000 rw-p 00000000 00:00 0                          [heap]\n"
    "Size:                132 kB\nRss:                  16 kB\nVmFlags: rd wr mr mw me ac sd \n"
    "7f0000000000-7f0000001000 r-xp 00001000 08:01 131 /usr/lib/a\\012b (deleted)\n"
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n",
    "4711 (a) b) S 4000 4711 4711 34816 4711 4194304 150 0 0 0 1 2 0 0 20 -5 2 0 100 9000 100 "
    "18446744073709551615 1 2 3 0 0 0 0 4096 81920 1 0 0 17 3 0 0 0 0 0 4 5 6 7 8 9 10 0\n",
    "4711 (a) b) S 4000 4711 4711 34816 4711 4194304 150 0 0 0 1 2 0 0 20 -5 2 0 100 9000 100 "
    "18446744073709551615 1 2 3 0 0 0 0 4096 81920 1 0 0 17 3 0 0 0 0 0 4 5 6 7 8 9 10 0\n",
    "Name:\ta\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4711\nNgid:\t0\nPid:\t4711\nPPid:\t4000\n"
    "TracerPid:\t0\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nFDSize:\t64\n"
    "Groups:\t1000 27 \nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
    "CapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\n"
    "NoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\nSigQ:\t0/1\nShdPnd:\t0\n",
    "pos:\t4096\nflags:\t0100002\nmnt_id:\t15\nino:\t131\nlock:\t1: POSIX  ADVISORY  WRITE 4711 "
    "08:01:131 0 EOF\neventfd-count: ff\neventfd-id: 3\n"
    "tfd:        5 events:       1a data: ffffffffffffffff  pos:0 ino:83 sdev:f\n",
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n   0: 0100007F:1A0B 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000      "
    "  0 4711 1 0000000000000000 100 0 0 10 0\n",
    "Num       RefCount Protocol Flags    Type St Inode Path\n"
    "0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/a socket\n",
    "ID: 0\nsignal: 14/0000000000000000\nnotify: signal/pid.4711\nClockID: 0\n"
    "ID: 1\nsignal: 60/00007ffe12345678\nnotify: thread/tid.4712\nClockID: 1\n",
    "a (4711, #threads: 1)\n---------------------------------\n"
    "se.exec_start                                :      12345678.123456\n"};

}  // namespace

// The first byte says which file it is.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  llrun::fuzz::Input input(data, size);
  const auto reader = kReaders[input.byte() % kReaders.size()];
  reader(input.rest());
  return 0;
}

std::vector<std::string> llrun::fuzz::seeds() {
  std::vector<std::string> seeds;
  for (std::size_t i = 0; i < kSeeds.size(); ++i)
    seeds.push_back(std::string(1, static_cast<char>(i)) + kSeeds[i]);
  return seeds;
}
