// SPDX-License-Identifier: MIT
// curlpp: setopt is called from here (templates), init and perform from libcurlpp.so.
#include <curlpp/Easy.hpp>
#include <curlpp/Options.hpp>
#include <curlpp/cURLpp.hpp>

#include <iostream>
#include <list>

int main(int, char **argv)
{
	curlpp::Cleanup cleanup;
	curlpp::Easy request;

	request.setOpt<curlpp::options::Url>(argv[1]);
	request.setOpt<curlpp::options::PostFields>("{}");
	request.setOpt<curlpp::options::PostFieldSize>(2);
	request.setOpt<curlpp::options::HttpHeader>(
		std::list<std::string>{ "Authorization: Bearer sk-test",
					"Content-Type: application/json" });
	request.setOpt<curlpp::options::WriteStream>(&std::cout);
	for (int turn = 0; turn < 2; turn++)
		request.perform();
	request.setOpt<curlpp::options::HttpHeader>(
		std::list<std::string>{ "Authorization: Bearer sk-test",
					"Content-Type: application/json", "X-Turn: 3" });
	request.perform();
}
