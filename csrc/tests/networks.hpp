#pragma once

void test_networks();
