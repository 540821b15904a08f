#pragma once

void test_rules();
