#include "supervisor/world/kin.h"

#include <string>

namespace llrun::world {
namespace {

class Planner {
 public:
  explicit Planner(const Kinship& home) : home_(home) {}

  Result<KinPlan> plan() {
    if (home_.pid <= 1)
      return failure(ErrorCode::kUnsupported, "make a world for process " +
                                                  std::to_string(home_.pid) +
                                                  ": it is a system's first process");
    plan_.init_leads_session = in_session_of_init(home_.session) ||
                               (has_parent() && in_session_of_init(home_.parent_session));
    plan_ancestors();
    LLRUN_TRY_ASSIGN(const int maker, plan_maker_of_guest());
    plan_guest(maker);
    return std::move(plan_);
  }

 private:
  [[nodiscard]] bool has_parent() const { return home_.parent > 1; }
  [[nodiscard]] bool leads_session() const { return home_.session == home_.pid; }
  static bool in_session_of_init(pid_t session) { return session == 1; }
  static bool known(pid_t id) { return id > 1; }

  int find(pid_t pid) const {
    for (std::size_t i = 0; i < plan_.members.size(); ++i)
      if (plan_.members[i].pid == pid) return static_cast<int>(i);
    return kInit;
  }

  int add(Member member) {
    if (const int there = find(member.pid); there != kInit) return there;
    plan_.members.push_back(member);
    return static_cast<int>(plan_.members.size()) - 1;
  }

  // Whoever leads a session or group here is made for that, and is no reaper.
  [[nodiscard]] bool is_otherwise_needed(pid_t pid) const {
    for (const pid_t other : {home_.pid, home_.parent, home_.session, home_.group,
                              home_.parent_session, home_.parent_group})
      if (pid == other) return true;
    return false;
  }

  // From the top down, each the child of the one before; all others are made below them.
  void plan_ancestors() {
    if (!has_parent()) return;
    for (auto ancestor = home_.ancestors.rbegin(); ancestor != home_.ancestors.rend(); ++ancestor) {
      if (!known(*ancestor) || is_otherwise_needed(*ancestor) || find(*ancestor) != kInit) continue;
      plan_.members.push_back({*ancestor, top_, false, false, 0, true});
      top_ = static_cast<int>(plan_.members.size()) - 1;
      plan_.parents.insert(plan_.parents.begin(), *ancestor);
    }
    plan_.parents.insert(plan_.parents.begin(), home_.parent);
  }

  // The member that leads `session`, or init for the sessions that init's children are born in.
  int leader_of(pid_t session, int maker) {
    if (!known(session)) return maker;
    return add({session, maker, false, true, session});
  }

  [[nodiscard]] bool is_session_leader(int index) const {
    return index != kInit && plan_.members[static_cast<std::size_t>(index)].leads_session;
  }

  // The leader of a group that is neither its session's leader nor otherwise needed.
  void add_group_leader(pid_t group, int session_leader) {
    if (!known(group) || group == home_.pid || group == home_.parent) return;
    // Made as a sibling it has no parent in its session, so that it does not keep the group from
    // being orphaned.
    const bool sibling =
        is_session_leader(session_leader) && group == home_.group && home_.group_orphaned;
    add({group, session_leader, sibling, false, group});
  }

  int plan_parent(int session_leader) {
    add_group_leader(home_.parent_group, session_leader);
    const bool sibling = is_session_leader(session_leader) && home_.group_orphaned &&
                         home_.parent_group == home_.group;
    const pid_t group = home_.parent_group == home_.pid ? 0 : home_.parent_group;
    return add({home_.parent, session_leader, sibling, false, group});
  }

  Result<int> plan_maker_of_guest() {
    if (!has_parent()) {
      const int leader = leads_session() ? kInit : leader_of(home_.session, kInit);
      if (!leads_session()) add_group_leader(home_.group, leader);
      return leader;
    }
    const int parents_leader = leader_of(home_.parent_session, top_);
    const bool shared = home_.session == home_.parent_session;
    if (shared) add_group_leader(home_.group, parents_leader);
    const int parent = plan_parent(parents_leader);
    if (shared || leads_session()) return parent;
    if (!known(home_.session))
      return failure(ErrorCode::kUnsupported,
                     "make a world for process " + std::to_string(home_.pid) +
                         ": its session is unknown, but its parent's is not");
    const int leader = leader_of(home_.session, parent);
    add_group_leader(home_.group, leader);
    return leader;
  }

  void plan_guest(int maker) {
    // Made by a session leader that is not its parent, it is a sibling of that leader: both are
    // children of the guest's parent (or of init).
    const bool sibling =
        maker != kInit && plan_.members[static_cast<std::size_t>(maker)].pid != home_.parent;
    plan_.members.push_back({home_.pid, maker, sibling, leads_session(), home_.group});
  }

  const Kinship& home_;
  KinPlan plan_;
  int top_ = kInit;  // who makes those without a maker among the kin
};

}  // namespace

Result<KinPlan> plan_kin(const Kinship& home) { return Planner(home).plan(); }

}  // namespace llrun::world
