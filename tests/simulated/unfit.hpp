// unfit.hpp: the tests that the simulated network cannot run, each with its reason. All others of a
// program that is registered ON_SIMULATED run on it; a name here that no test has fails the
// program.
#pragma once
#include <array>
#include <string_view>

namespace asyncio::tests {

struct Unfit {
  std::string_view program;
  std::string_view test;  // Suite.name, or Suite.* for all of them
  std::string_view reason;
};

inline constexpr const char* kAsksCAres =
    "the resolver's sockets are c-ares's own, of the kernel: they do not reach a name server here";
inline constexpr const char* kHasNoFiles = "names of Unix sockets are no files here";
inline constexpr const char* kNeedsNoDescriptors =
    "sockets here are no descriptors of the process, so that they cannot run out";

inline constexpr std::array<Unfit, 19> kUnfit{{
    {"net_tests", "Resolve.asks_the_server_for_both_families", kAsksCAres},
    {"net_tests", "Resolve.failures_say_python_s_sentence_the_host_and_the_reason", kAsksCAres},
    {"net_tests", "Resolve.an_answer_too_long_for_udp_is_fetched_by_tcp", kAsksCAres},
    {"net_tests", "Resolve.asks_by_tcp_at_once_where_told_to", kAsksCAres},
    {"net_tests", "Resolve.short_names_are_tried_with_the_search_domains", kAsksCAres},
    {"net_tests", "Resolve.a_server_that_never_answers_ends_by_the_timeout", kAsksCAres},
    {"net_tests", "Resolve.another_server_is_asked_where_one_declines", kAsksCAres},
    {"net_tests", "Resolve.a_cancelled_lookup_closes_its_sockets_at_once", kAsksCAres},
    {"net_tests", "Resolve.lookups_beyond_the_limit_wait_their_turn", kAsksCAres},
    {"net_tests", "Resolve.many_at_once_each_get_their_own_answer", kAsksCAres},
    {"net_tests", "Resolve.the_hosts_file_comes_first", kAsksCAres},
    {"net_tests", "Resolve.resolv_conf_is_read_again_once_it_has_changed", kAsksCAres},
    {"net_tests", "GetAddrInfo.lists_each_address_for_each_kind_of_socket", kAsksCAres},
    {"net_tests", "GetNameInfo.gives_the_name_or_the_number", kAsksCAres},
    {"net_tests", "Connect.resolving_counts_against_the_timeout", kAsksCAres},
    {"net_tests", "Server.survives_running_out_of_file_descriptors_and_says_so_once",
     kNeedsNoDescriptors},
    {"net_tests", "Sends.*", "sends are not gathered here: every write is one"},
    {"net_tests", "Renegotiation.is_refused", "its client is OpenSSL on a socket of the kernel"},
    {"net_tests", "UnixServer.leaves_its_path_where_told_to", kHasNoFiles},
}};

}  // namespace asyncio::tests
