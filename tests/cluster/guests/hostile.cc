// A hostile guest: takes the pages by which its supervisor makes calls in it, and calls from there.
//
//   hostile rows         attempts every row that its supervisor can refuse, and says what each gave
//   hostile call NAME    one that only injections may make, of which it should die
//   hostile race         changes what clone3 is asked for while it is looked at
//   hostile name SET     takes the name of a line of /proc/PID/status, and has its supervisor look
//                        there: SigBlk, for a call at home; SigCgt, for a core dump
//   hostile dumps US     has its memory dumped by a signal whose handler another thread takes away
//   hostile vdso         is stopped in the vdso, in code of its own with a fork in it
//
// It waits for the file "go" in its directory, which is when it is away.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/membarrier.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <tuple>

namespace {

using Call = long (*)(long number, long a, long b, long c, long d, long e, long f);

// mov rax,rdi; mov rdi,rsi; mov rsi,rdx; mov rdx,rcx; mov r10,r8; mov r8,r9; mov r9,[rsp+8];
// syscall; ret
constexpr unsigned char kCode[] = {0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6,
                                   0x48, 0x89, 0xca, 0x4d, 0x89, 0xc2, 0x4d, 0x89, 0xc8,
                                   0x4c, 0x8b, 0x4c, 0x24, 0x08, 0x0f, 0x05, 0xc3};

// Executable, and of this name. Of none and of no file is the stub alone, in a program which has
// moved.
std::span<char> find_code(const std::string& wanted) {
  FILE* maps = std::fopen("/proc/self/maps", "r");
  if (maps == nullptr) return {};
  char line[512];
  std::span<char> found;
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    unsigned long start = 0, end = 0, inode = 0;
    char rights[8] = "", name[256] = "";
    const int fields =
        std::sscanf(line, "%lx-%lx %7s %*x %*s %lu %255s", &start, &end, rights, &inode, name);
    if (fields >= 4 && rights[2] == 'x' && inode == 0 && name == wanted)
      found = {reinterpret_cast<char*>(start), end - start};
  }
  std::fclose(maps);
  return found;
}

Call take_stub() {
  void* stub = find_code("").data();
  if (stub == nullptr) {
    std::puts("stub none");
    return nullptr;
  }
  void* page = ::mmap(stub, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (page == MAP_FAILED) {
    std::printf("stub %s\n", std::strerror(errno));
    return nullptr;
  }
  std::memcpy(page, kCode, sizeof kCode);
  return reinterpret_cast<Call>(page);
}

void say(const char* row, long value) {
  if (value < 0 && value > -4096)
    std::printf("%s %s\n", row, strerrorname_np(static_cast<int>(-value)));
  else
    std::printf("%s %s\n", row, value == 0 ? "0" : "gained");
}

long address(const void* of) { return reinterpret_cast<long>(of); }

int rows(Call call) {
  static char zeros[4096];
  struct Row {
    const char* name;
    long number, a = 0, b = 0, c = 0, d = 0, e = 0;
  };
  constexpr long kSession = KEY_SPEC_SESSION_KEYRING;
  clone_args child{};
  child.exit_signal = SIGCHLD;
  const Row all[] = {
      {"keyring-id", SYS_keyctl, KEYCTL_GET_KEYRING_ID, kSession},
      {"keyring-describe", SYS_keyctl, KEYCTL_DESCRIBE, kSession, address(zeros), sizeof zeros},
      {"keyring-read", SYS_keyctl, KEYCTL_READ, kSession, address(zeros), sizeof zeros},
      {"add-key", SYS_add_key, address("user"), address("evil"), address("x"), 1, kSession},
      {"request-key", SYS_request_key, address("user"), address("login"), 0, kSession},
      {"inet", SYS_socket, AF_INET, SOCK_STREAM},
      {"vsock", SYS_socket, AF_VSOCK, SOCK_STREAM},
      {"alg", SYS_socket, AF_ALG, SOCK_SEQPACKET},
      {"packet", SYS_socket, AF_PACKET, SOCK_RAW},
      {"netlink-audit", SYS_socket, AF_NETLINK, SOCK_RAW, 9},
      {"io-uring", SYS_io_uring_setup, 8, address(zeros)},
      {"perf", SYS_perf_event_open, address(zeros), 0, -1, -1},
      {"userfaultfd", SYS_userfaultfd, 1},
      {"bpf", SYS_bpf, 0, address(zeros), 72},
      {"memfd", SYS_memfd_create, address("x")},
      {"ptrace-init", SYS_ptrace, 16, 1},
      {"pidfd-init", SYS_pidfd_open, 1},
      {"pidfd-getfd", SYS_pidfd_getfd, 3, 3},
      {"setns", SYS_setns, 3, CLONE_NEWUSER},
      {"unshare-user", SYS_unshare, CLONE_NEWUSER},
      {"unshare-files", SYS_unshare, CLONE_FILES},
      {"mount", SYS_mount, address("t"), address("/mnt"), address("tmpfs")},
      {"umount", SYS_umount2, address("/proc"), 2},
      {"fsopen", SYS_fsopen, address("tmpfs")},
      {"chroot", SYS_chroot, address("/")},
      {"pivot-root", SYS_pivot_root, address("/"), address("/")},
      {"open-by-handle", SYS_open_by_handle_at, 3, address(zeros)},
      {"mknod", SYS_mknod, address("sda"), S_IFBLK | 0600, 0x800},
      {"setuid", SYS_setuid, 0},
      {"setpriority", SYS_setpriority, 0, 0, -5},
      {"syslog", SYS_syslog, 3, address(zeros), sizeof zeros},
      {"seccomp", SYS_seccomp, 0},
      {"execve", SYS_execve, address("/bin/true"), 0, 0},
      {"fork", SYS_fork},
      {"vfork", SYS_vfork},
      {"clone", SYS_clone, SIGCHLD},
      {"clone-untraced", SYS_clone, SIGCHLD | CLONE_UNTRACED},
      {"clone-user-namespace", SYS_clone, SIGCHLD | CLONE_NEWUSER},
      {"clone3", SYS_clone3, address(&child), sizeof child},
      {"unknown", 1000},
  };
  for (const Row& row : all) say(row.name, call(row.number, row.a, row.b, row.c, row.d, row.e, 0));
  // To others the world has none but itself and init.
  say("kill-init", call(SYS_kill, 1, SIGKILL, 0, 0, 0, 0));
  say("still-there", ::kill(1, 0) == 0 ? 0 : -errno);
  return 0;
}

int one(Call call, const std::string& name) {
  static __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  static __user_cap_data_struct data[2]{};
  long value = 0;
  if (name == "prctl") value = call(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0, 0);
  if (name == "membarrier") value = call(SYS_membarrier, 1 << 4, 0, 0, 0, 0, 0);
  if (name == "capset") value = call(SYS_capset, address(&header), address(data), 0, 0, 0, 0);
  if (name == "getgroups") value = call(SYS_getgroups, 0, 0, 0, 0, 0, 0);
  if (name == "queue") value = call(SYS_rt_sigqueueinfo, 1, SIGKILL, address(data), 0, 0, 0);
  say(name.c_str(), value);
  return 0;
}

// A thread, or a process that nobody traces, whichever the kernel reads.
long make_thread_or_process(clone_args* arguments) {
  long result = 0;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "mov %[exit], %%eax\n\t"
      "xor %%edi, %%edi\n\t"
      "syscall\n\t"
      "1:"
      : "=a"(result)
      : "a"(SYS_clone3), "D"(arguments), "S"(sizeof *arguments), [exit] "i"(SYS_exit)
      : "rcx", "r11", "memory");
  return result;
}

// What it asks for changes all the time.
int race() {
  constexpr int kTimes = 50, kRefusals = 2;  // each of which takes longer than the one before
  constexpr std::uint64_t kThread =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  static char stack[1 << 16];
  static clone_args arguments{};
  arguments.stack = reinterpret_cast<std::uint64_t>(stack);
  arguments.stack_size = sizeof stack;
  std::atomic<bool> enough = false;
  std::thread changer([&enough] {
    const std::atomic_ref flags(arguments.flags);
    for (long i = 0; !enough; ++i)
      flags.store(i % 16 == 0 ? CLONE_UNTRACED : kThread, std::memory_order_relaxed);
  });
  int made = 0, refused = 0;
  while (made < kTimes && refused < kRefusals)
    ++(make_thread_or_process(&arguments) > 0 ? made : refused);
  enough = true;
  changer.join();
  const bool childless = ::waitpid(-1, nullptr, __WALL | WNOHANG) == -1 && errno == ECHILD;
  std::printf("race %s\n", childless ? "childless" : "gained");
  return made > 0 ? 0 : 3;
}

int take_name(const std::string& set) {
  if (set == "SigBlk") {
    ::prctl(PR_SET_NAME, "SigBlk:\tzz");
    say("question", ::getpgid(::getppid()) >= 0 ? 0 : -errno);
    return 0;
  }
  ::prctl(PR_SET_NAME, "SigCgt:\tfffffff");  // as if it handled all those signals
  std::abort();
}

// While its supervisor, who has seen a handler, waits for home to end the read, the handler goes.
int dump_core(unsigned long patience_us) {
  rlimit told{};
  ::getrlimit(RLIMIT_CORE, &told);
  if (told.rlim_cur != RLIM_INFINITY) return 1;
  struct sigaction handled {};
  handled.sa_handler = [](int) {};
  ::sigaction(SIGABRT, &handled, nullptr);
  std::thread([first = ::pthread_self(), patience_us] {
    ::usleep(300'000);
    ::pthread_kill(first, SIGABRT);
    ::usleep(static_cast<useconds_t>(patience_us));
    std::signal(SIGABRT, SIG_DFL);
  }).detach();
  char byte = 0;
  std::ignore = ::read(STDIN_FILENO, &byte, 1);  // of home's
  return 0;
}

// Takes some milliseconds for few instructions, so that this is where it is stopped; then a child
// that nobody traces is made, by an instruction that does not begin as a system call does (a REX
// prefix).
asm(R"(.text
  slow_fork:
    mov $5000, %r12d
  1:
    xor %eax, %eax
    cpuid
    dec %r12d
    jnz 1b
    mov $56, %eax         # clone
    mov $0x800011, %edi   # CLONE_UNTRACED | SIGCHLD
    xor %esi, %esi
    xor %edx, %edx
    xor %r10d, %r10d
    xor %r8d, %r8d
    .byte 0x48
    syscall
  2:
    mov $34, %eax         # pause
    syscall
    jmp 2b
  slow_fork_end:
)");
extern "C" const char slow_fork[], slow_fork_end[];

int fork_in_vdso() {
  const auto vdso = find_code("[vdso]");
  if (::mprotect(vdso.data(), vdso.size(), PROT_READ | PROT_WRITE | PROT_EXEC) != 0) return 1;
  char* const place = vdso.data() + 0x800;
  // Such memory keeps it from going home, so that what it does on the way is there to be seen.
  constexpr std::size_t kTooMuch = std::size_t{2} << 30;
  ::mmap(nullptr, kTooMuch, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  std::memcpy(place, slow_fork, static_cast<std::size_t>(slow_fork_end - slow_fork));
  std::thread(reinterpret_cast<void (*)()>(place)).detach();
  ::usleep(1000);
  ::socket(AF_INET, SOCK_STREAM, 0);  // for which it would have to go home
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  ::setvbuf(stdout, nullptr, _IOLBF, 0);
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_CORE, &all);
  std::puts("ready");
  while (::access("go", F_OK) != 0) ::usleep(20'000);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "name" && argc > 2) return take_name(argv[2]);
  if (what == "dumps" && argc > 2) return dump_core(std::stoul(argv[2]));
  if (what == "vdso") return fork_in_vdso();
  const Call call = take_stub();
  if (call == nullptr) return 1;
  if (what == "race") return race();
  return what == "call" && argc > 2 ? one(call, argv[2]) : rows(call);
}
